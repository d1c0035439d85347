/** The handler of a part: each Task says by `action` what it wants, and its other fields are the payload. */
export function dispatch(actions: Record<string, (payload: any) => Promise<unknown>>): (event: any) => Promise<unknown> {
  return async (event) => {
    const action = String(event?.action);
    if (!Object.hasOwn(actions, action)) throw new Error(`unknown action '${action}'; known: ${Object.keys(actions).join(', ')}`);
    return actions[action](event);
  };
}
