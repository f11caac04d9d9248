import { readConfig } from '../../shared/config.ts';
import { openPlatform } from '../../shared/open-platform.ts';
import { createRelay } from '../../shared/relay/relay.ts';

export const handler = createRelay(() => openPlatform(readConfig()));
