/** Who asks. Found once per request, never changed afterwards. */
import type { Role } from '../kernel/role.ts';

export interface Principal {
  readonly id: string;
  /** `local` is whoever calls without a key where that is allowed. */
  readonly kind: 'key' | 'user' | 'local';
  readonly role: Role;
  /** Whose objects the principal sees. */
  readonly tenant: string;
  readonly scopes: {
    /** Names of models; undefined means all. */
    readonly models: readonly string[] | undefined;
    readonly routes: readonly string[] | undefined;
  };
  readonly limits: {
    readonly rpm: number | undefined;
    readonly tpm: number | undefined;
    readonly concurrent: number | undefined;
    readonly monthly_tokens: number | undefined;
  };
}

export const allScopes: Principal['scopes'] = { models: undefined, routes: undefined };
export const noLimits: Principal['limits'] = {
  rpm: undefined,
  tpm: undefined,
  concurrent: undefined,
  monthly_tokens: undefined,
};
