/** Whether a call was refused for want of a permission: trying again does not help (EC2 has a name of its own for it). */
export function isAccessDenied(error: unknown): boolean {
  return /^(AccessDenied(Exception)?|UnauthorizedOperation)$/.test((error as Error)?.name);
}

export function permissionFinding(what: string, action: string): string {
  return `${what} could not be looked at: allow ${action} to the role of the parameters function`;
}
