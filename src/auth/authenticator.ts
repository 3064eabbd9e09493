/**
 * Who asks: the owner of a valid key, or whoever is let in without one. Keys are known by their SHA-256 alone, so that a
 * look-up takes the same time for every wrong key, and memory holds no secret.
 */
import { hash, randomBytes } from 'node:crypto';
import { DeciError } from '../kernel/errors.ts';
import type { Role } from '../kernel/role.ts';
import { claimsToBeKey, isKey } from './credentials.ts';
import { allScopes, noLimits, type Principal } from './principal.ts';

export interface AuthenticatorOptions {
  readonly adminKey: string;
  /** What callers without a key may do; undefined where every caller needs one. */
  readonly anonymousRole: Role | undefined;
}

export class Authenticator {
  readonly #byHash = new Map<string, Principal>();
  readonly #anonymous: Principal | undefined;

  constructor({ adminKey, anonymousRole }: AuthenticatorOptions) {
    this.#byHash.set(hashOf(adminKey), principalOf({ id: 'admin-key', kind: 'key', role: 'admin', tenant: 'admin' }));
    this.#anonymous =
      anonymousRole === undefined
        ? undefined
        : principalOf({ id: 'local', kind: 'local', role: anonymousRole, tenant: 'local' });
  }

  /**
   * @param credentials what was sent as a key, if anything was
   * @throws DeciError `authentication_required` or `key_not_valid`
   */
  authenticate(credentials: string | undefined): Principal {
    const principal = this.identify(credentials);
    if (principal !== undefined) return principal;
    throw new DeciError(credentials === undefined ? 'authentication_required' : 'key_not_valid');
  }

  /** @returns undefined for somebody who would not be let in */
  identify(credentials: string | undefined): Principal | undefined {
    if (credentials === undefined) return this.#anonymous;
    const known = isKey(credentials) ? this.#byHash.get(hashOf(credentials)) : undefined;
    return known ?? (claimsToBeKey(credentials) ? undefined : this.#anonymous);
  }
}

export function newKey(): string {
  return `deci_${randomBytes(32).toString('hex')}`;
}

/** Whoever is let in without a key is a tenant of his own: what the administrator asked is none of his business. */
function principalOf(who: Pick<Principal, 'id' | 'kind' | 'role' | 'tenant'>): Principal {
  return { ...who, scopes: allScopes, limits: noLimits };
}

function hashOf(key: string): string {
  return hash('sha256', key, 'base64');
}
