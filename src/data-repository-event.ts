/**
 * Changes that are carried over between the file system and S3 (FSx API reference, AutoExportPolicy and AutoImportPolicy).
 */
export enum DataRepositoryEvent {
  /** Files and directories that are new. */
  NEW = 'NEW',
  /** Files whose content, name or attributes have changed. */
  CHANGED = 'CHANGED',
  /** Files that were deleted. */
  DELETED = 'DELETED',
}
