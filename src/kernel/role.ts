/** What somebody may do. Each role may do all that the ones before it may. */
export const roles = ['viewer', 'executor', 'editor', 'admin'] as const;

export type Role = (typeof roles)[number];

/** `public` is for routes that ask nobody who he is. */
export type RequiredRole = Role | 'public';

export function mayAct(role: Role, required: RequiredRole): boolean {
  return required === 'public' || roles.indexOf(role) >= roles.indexOf(required);
}
