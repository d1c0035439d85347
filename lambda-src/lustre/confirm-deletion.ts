import { wasToldToDelete } from './clean-up-input';
import { ErrorName } from '../../src/private/errors';
import type { KeepPayload } from '../../src/private/lustre-payloads';
import { RunTag } from '../../src/private/tags';
import { requireField } from '../shared/answer';
import { findExecution } from '../shared/execution';
import { isLiving } from '../shared/execution-status';
import { findFileSystem } from '../shared/fsx';
import { raise } from '../shared/raise';
import { tagOf } from '../shared/tag-of';

/**
 * The last look before a deletion: what was proven may be hours old. Since then a run may have been redriven, somebody may
 * have begun to work on its file system, or another execution may have kept it.
 */
export async function confirmDeletion({ document, self }: KeepPayload): Promise<void> {
  const execution = document.run.executionArn === self ? undefined : await findExecution(document.run.executionArn);
  if (execution?.status && isLiving(execution.status)) {
    raise(ErrorName.RUN_STILL_RUNNING, `execution ${document.run.executionArn} is ${execution.status} again: it cleans up after itself`);
  }
  const fileSystemId = requireField(document.fileSystem.fileSystemId, 'fileSystemId');
  const found = await findFileSystem(fileSystemId);
  if (!found) return; // the deletion sees it gone
  const keptAt = tagOf(found, RunTag.KEPT_AT);
  if (keptAt !== document.fileSystem.keptAt) {
    raise(ErrorName.KEPT_MEANWHILE, `file system ${fileSystemId} was kept by another execution at ${keptAt} (${tagOf(found, RunTag.KEPT)}): what this one has proven is of before that`);
  }
  // it has ended again: what it wrote then was not proven
  const { redriveCount: known = 0 } = document.run;
  const { redriveCount = 0 } = execution ?? { redriveCount: known };
  if (redriveCount !== known) {
    raise(ErrorName.RUN_REDRIVEN, `execution ${document.run.executionArn} was redriven behind this clean-up (${redriveCount} times by now, ${known} when it was found): what was proven is of before that`);
  }
  if (tagOf(found, RunTag.HOLD) !== undefined && !wasToldToDelete(document)) {
    raise(ErrorName.FILE_SYSTEM_HELD, `somebody works on file system ${fileSystemId}: its tag ${RunTag.HOLD} is there`);
  }
}
