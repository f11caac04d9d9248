import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { isModelfnError } from '../../../shared/errors.ts';
import { redactor } from '../../../shared/redact.ts';
import { Secrets } from '../../../shared/secrets.ts';
import { readPostgresAddress } from '../../../shared/store/postgres-address.ts';
import { openStore } from '../../../shared/store/registry.ts';
import { temporaryFolder } from '../content/temporary-folder.ts';

const SECRET = 's3cr3t';

function errorOf(address: string): unknown {
  try {
    readPostgresAddress(address);
    return undefined;
  } catch (error) {
    return error;
  }
}

describe('the address of a PostgreSQL store', () => {
  it('gives user, password, host, port and database, each decoded', () => {
    expect(
      readPostgresAddress('postgresql://us%40er:p%2Fw%23%25@db.example.org:6432/my%20base'),
    ).toMatchObject({
      connection: {
        user: 'us@er',
        password: 'p/w#%',
        host: 'db.example.org',
        port: 6432,
        database: 'my base',
        application_name: 'modelfn',
      },
      poolSize: 2,
    });
    expect(readPostgresAddress('postgres:///d?user=u&host=/var/run/postgresql&pool=7')).toMatchObject({
      connection: {
        user: 'u',
        password: '',
        host: '/var/run/postgresql',
        port: 5432,
        database: 'd',
        ssl: false,
      },
      poolSize: 7,
    });
    expect(readPostgresAddress('postgres://u@[::1]/d').connection.host).toBe('::1');
  });

  it('checks the certificate of another machine unless it is told not to, and speaks to this one in clear', () => {
    const file = join(temporaryFolder(), 'ca.pem');
    writeFileSync(file, 'certificate');
    const ssl = (host: string, parameters: string) =>
      readPostgresAddress(`postgres://u:p@${host}/d?${parameters}`).connection.ssl;

    expect(ssl('db.example.org', '')).toEqual({ rejectUnauthorized: true });
    expect(ssl('localhost.example.org', '')).toEqual({ rejectUnauthorized: true });
    expect(ssl('localhost', '')).toBe(false);
    expect(ssl('127.0.0.1', '')).toBe(false);
    expect(ssl('localhost', 'sslmode=verify-full')).toEqual({ rejectUnauthorized: true });
    expect(ssl('db.example.org', 'sslmode=disable')).toBe(false);
    expect(ssl('db.example.org', 'sslmode=require')).toMatchObject({ rejectUnauthorized: false });
    expect(ssl('db.example.org', `sslmode=require&sslrootcert=${file}`)).toMatchObject({
      ca: 'certificate',
      rejectUnauthorized: true,
      checkServerIdentity: expect.any(Function),
    });
    expect(ssl('db.example.org', `sslrootcert=${file}`)).toEqual({
      ca: 'certificate',
      rejectUnauthorized: true,
    });
    expect(ssl('db.example.org', 'sslrootcert=system')).toEqual({ rejectUnauthorized: true });
  });

  it.each([
    `postgres:u:${SECRET}@h/d`,
    `postgres://u:${SECRET}@h`,
    `postgres://u:${SECRET}@h/`,
    `postgres://u:${SECRET}@h/d/e`,
    `postgres://u:${SECRET}@/d`,
    `postgres://:${SECRET}@h/d`,
    `postgres://u:${SECRET}@h:99999/d`,
    `postgres://u:${SECRET}@h/d#x`,
    `postgres://u:${SECRET}%@h/d`,
    `postgres://u:${SECRET}%00@h/d`,
    `postgres://u:${SECRET}@h/d%0a`,
    `postgres://u:${SECRET}@%2Ftmp/d`,
    `postgres://u:${SECRET}@h/d?password=${SECRET}`,
    `postgres://u:${SECRET}@h/d?options=-c%20x`,
    `postgres://u:${SECRET}@h/d?host=/tmp`,
    `postgres://u:${SECRET}@h/d?host=other`,
    `postgres:///d?user=u&host=tmp`,
    `postgres://u:${SECRET}@h/d?sslmode=prefer`,
    `postgres://u:${SECRET}@h/d?sslmode=disable&sslmode=verify-full`,
    `postgres://u:${SECRET}@h/d?sslmode=verify-ca`,
    `postgres://u:${SECRET}@h/d?sslrootcert=/none/at/all`,
    `postgres://u:${SECRET}@h/d?pool=0`,
    `postgres://u:${SECRET}@h/d?pool=51`,
    `postgres://u:${SECRET}@h/d?pool=1e1`,
    `postgres://u:${SECRET}@h/d?__proto__=x`,
    `http://u:${SECRET}@h/d`,
    `postgres://u:${SECRET}@h h/d`,
  ])('is refused, and not shown: %s', (address) => {
    const error = errorOf(address);

    expect(isModelfnError(error) && error.code).toBe('InvalidInput');
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(SECRET);
  });

  it('is refused the same way where a store is opened by its address', async () => {
    const error: unknown = await openStore({ address: `postgres://u:${SECRET}@h/` }).catch(
      (caught: unknown) => caught,
    );

    expect(String(error)).toContain('it names no database');
    expect(inspect(error)).not.toContain(SECRET);
  });

  it('loses its password in what an execution keeps of its log', () => {
    const redact = redactor(new Secrets());

    expect(redact(`MODELFN_STORE=postgres://u:${SECRET}@h/d`)).toBe('MODELFN_STORE=postgres://***@h/d');
  });
});
