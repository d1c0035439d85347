import type { DataRepositoryAssociation } from '@aws-sdk/client-fsx';

/** What is to be done so that a file system that is kept exports automatically again. */
export type RestoreStep =
  | { readonly next: 'UPDATE' | 'WAIT' }
  | { readonly next: 'SETTLED'; readonly automaticExport: 'ON' | 'OFF'; readonly reason?: string };

/** Whether a link exports all that would be lost otherwise. */
export function isExporting(association: DataRepositoryAssociation | undefined): boolean {
  const events = association?.S3?.AutoExportPolicy?.Events ?? [];
  return association?.Lifecycle === 'AVAILABLE' && events.includes('NEW') && events.includes('CHANGED');
}

/** A proof switches automatic export off; what is kept gets it back. */
export function stepToRestore(association: DataRepositoryAssociation | undefined, wanted: boolean): RestoreStep {
  const off = (reason: string): RestoreStep => ({ next: 'SETTLED', automaticExport: 'OFF', reason });
  if (!association) return off('the file system has no data repository association');
  const { Lifecycle: lifecycle, S3, FailureDetails } = association;
  if (lifecycle === 'FAILED' || lifecycle === 'DELETING') return off(`its link to S3 is ${lifecycle}: ${FailureDetails?.Message ?? 'FSx gives no reason'}`);
  if (isExporting(association)) return { next: 'SETTLED', automaticExport: 'ON' }; // also where only somebody else wants it
  if (!wanted) return off('autoExport is false');
  if (lifecycle === 'CREATING' || lifecycle === 'UPDATING') return { next: 'WAIT' };
  const hasEvents = (S3?.AutoExportPolicy?.Events ?? []).length > 0;
  // an update of a link mends nothing while its cause lasts (A3.2a)
  if (lifecycle === 'MISCONFIGURED' && hasEvents) return off(`its link to S3 is MISCONFIGURED: ${FailureDetails?.Message ?? 'FSx gives no reason'}`);
  return { next: 'UPDATE' };
}
