import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'fs';
import { createRequire } from 'module';
import { tmpdir } from 'os';
import { basename, join, resolve } from 'path';
import { App, Stack } from 'aws-cdk-lib/core';
import { buildSync, OutputFile } from 'esbuild';
import type * as source from '../../src';

export const ROOT = resolve(__dirname, '..', '..');
const STACK = 'Stack';
const PIPELINE = 'Pipeline';
const HANDLER = '.lambda.ts';

/** One exact search and replace in a source file; the text must be there exactly once. */
export interface Patch {
  /** Below the repository's root. */
  readonly file: string;
  readonly search: string;
  readonly replace: string;
}

export interface Synthesized {
  readonly template: any;
  readonly assets: string;
}

type Pipelines = { readonly [id: string]: source.LustreAutoExportPipelineProps };

/** The library and its handlers, built from sources that may be patched; the working tree is never touched. */
export class Product {
  private readonly folder = mkdtempSync(join(tmpdir(), 'mutant-'));
  private readonly synthesized = new Map<string, Synthesized>();
  private library?: typeof source;

  constructor(private readonly patches: readonly Patch[] = []) {}

  /** The template of these pipelines, made once. */
  public synthesize(pipelines: Pipelines): Synthesized {
    const key = keyOf(pipelines);
    if (!this.synthesized.has(key)) {
      const library = this.library ??= this.build();
      const app = new App({ outdir: join(this.folder, `out-${this.synthesized.size}`) });
      const stack = new Stack(app, STACK);
      for (const [id, props] of Object.entries(pipelines)) {
        new library.LustreAutoExportPipeline(stack, id, { jobDefinitionContainerImage: library.JobImage.fromRegistry('busybox:1'), ...props });
      }
      const { directory } = app.synth();
      this.synthesized.set(key, { template: JSON.parse(readFileSync(join(directory, `${STACK}.template.json`), 'utf8')), assets: directory });
    }
    return this.synthesized.get(key)!;
  }

  public dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private build(): typeof source {
    const sources = this.patches.length === 0 ? ROOT : this.patchedCopy();
    const handlers = readdirSync(join(sources, 'lambda-src'), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith(HANDLER));
    const common = { absWorkingDir: sources, bundle: true, platform: 'node', format: 'cjs', tsconfig: join(ROOT, 'tsconfig.dev.json'), logLevel: 'error' } as const;
    buildSync({
      ...common,
      entryPoints: Object.fromEntries(handlers.map((file) => [`${basename(file, HANDLER)}/index`, `lambda-src/${file}`])),
      outdir: join(this.folder, 'assets', 'lambda'),
      external: ['@aws-sdk/*', '@smithy/*'],
    });
    const { outputFiles } = buildSync({ ...common, entryPoints: ['src/index.ts'], packages: 'external', write: false });
    return this.load(outputFiles[0]);
  }

  /** Only the sources; what they import from packages is found from the repository. */
  private patchedCopy(): string {
    const copy = join(this.folder, 'sources');
    for (const folder of ['src', 'lambda-src']) cpSync(join(ROOT, folder), join(copy, folder), { recursive: true });
    for (const patch of this.patches) apply(patch, copy);
    return copy;
  }

  /** Evaluated where its bundles of handlers are found: in `assets`, two folders above a file of `src/private`. */
  private load({ text }: OutputFile): typeof source {
    const loaded = { exports: {} };
    const home = join(this.folder, 'src', 'private');
    // eslint-disable-next-line @typescript-eslint/no-implied-eval
    new Function('require', 'module', 'exports', '__dirname', text)(createRequire(join(ROOT, 'src', 'index.ts')), loaded, loaded.exports, home);
    return loaded.exports as typeof source;
  }
}

/** Refuses a patch that does not fit, because it would be a mutant of nothing. */
export function apply({ file, search, replace }: Patch, root = ROOT, write = true): void {
  const path = join(root, file);
  const text = readFileSync(path, 'utf8');
  const count = text.split(search).length - 1;
  if (count !== 1) throw new Error(`the text of a patch is ${count} times in ${file}, not once: ${search}`);
  if (write) writeFileSync(path, text.split(search).join(replace));
}

/** The one pipeline of a scenario, and others beside it. */
export function pipelinesOf({ props = {}, others = {} }: { props?: source.LustreAutoExportPipelineProps; others?: Pipelines }): Pipelines {
  return { [PIPELINE]: props, ...others };
}

const keyOf = (pipelines: Pipelines) => JSON.stringify(pipelines, (_, value) => value === undefined ? 'undefined' : value);
