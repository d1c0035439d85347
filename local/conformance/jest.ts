/**
 * The suites as a jest test:
 *
 *   describe('MyDrainMonitor', () => keepsItsPromises(() => checkDrainMonitor((scope) => new MyDrainMonitor(scope, 'Monitor'))));
 */
export function keepsItsPromises(check: () => Promise<string[]>, timeoutSeconds = 60): void {
  test('keeps its promises', async () => {
    expect(await check()).toEqual([]);
  }, timeoutSeconds * 1000);
}
