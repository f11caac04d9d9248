/** Processors of Lambda, by its own words. */
export const ARCHITECTURES = ['arm64', 'x86_64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** The word Node and npm have for it. */
export function nodeArch(architecture: Architecture): 'arm64' | 'x64' {
  return architecture === 'arm64' ? 'arm64' : 'x64';
}

/** This machine's, as Lambda says it. */
export function ownArchitecture(arch: string = process.arch): Architecture {
  return arch === 'arm64' ? 'arm64' : 'x86_64';
}
