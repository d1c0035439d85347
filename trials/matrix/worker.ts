import { Result } from './cell';
import { allCells } from './cells';
import { runCell } from './run-cell';
import { serve } from '../pool';

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'; // no call leaves this machine

const byName = allCells().then((cells) => new Map(cells.map((cell) => [cell.name, cell])));

serve(async (name: string): Promise<Result> => runCell((await byName).get(name)!));
