/** Who asks, and whether the route is for him. Behind the look-up of the route, whatever the path was spelled like. */
import type { NextFunction, Request, Response } from 'express';
import { readCredentials } from '../../auth/credentials.ts';
import type { Principal } from '../../auth/principal.ts';
import { DeciError } from '../../kernel/errors.ts';
import { mayAct, type RequiredRole } from '../../kernel/role.ts';

export interface AuthDeps {
  readonly authenticator: {
    /** @throws DeciError when the credentials, or their absence, let nobody in */
    authenticate(credentials: string | undefined): Principal;
    /** For doors that are open: whoever would be let in elsewhere is known here, too. */
    identify(credentials: string | undefined): Principal | undefined;
  };
}

export function auth({ authenticator }: AuthDeps) {
  return (req: Request, _res: Response, next: NextFunction): void => {
    const { context } = req;
    const required = context.route?.role ?? 'admin';
    if (required === 'public') {
      // Everybody is let in; some are told more.
      context.principal = authenticator.identify(readCredentials(req.headers));
    } else {
      const credentials = readCredentials(req.headers);
      const principal = authenticator.authenticate(credentials);
      context.principal = principal;
      if (!mayAct(principal.role, required)) throw refusal(principal, required, credentials !== undefined);
    }
    next();
  };
}

/** @param sent whether something was sent as a key; where none is needed, one that is not known counts for nothing */
function refusal({ kind, role }: Principal, required: RequiredRole, sent: boolean): DeciError {
  const unknown = sent ? 'the key that was sent is not known here, and ' : '';
  const way =
    kind === 'local'
      ? `${unknown}without a key you are ${role}; send the key in data/admin-key, or start with DECI_LOCAL_ROLE=${required}`
      : `this ${kind} is ${role}`;
  return new DeciError('role_too_low', { message: `this needs the role ${required}: ${way}` });
}
