import { mutateDefinition, readDefinition } from './definition-text';
import { Mutant, MutantClass } from './mutant';

const TOKEN = /^(ClientRequestToken|ClientToken)(\.\$)?$/;

/** Every mutant that a script can make of a synthesized template. */
export function structuralMutants(template: any): Mutant[] {
  return [...definitionMutants(template), ...iamMutants(template), ...userDataMutants(template)];
}

function definitionMutants(template: any): Mutant[] {
  const mutants: Mutant[] = [];
  for (const [state, body] of Object.entries<any>(readDefinition(template).States)) {
    const add = (kind: MutantClass, what: string, says: string, change: (mutated: any) => void, towards?: string) => mutants.push({
      id: `${kind}:${state}${what}`,
      kind,
      state,
      towards,
      says: `${state}: ${says}`,
      mutate: (each) => mutateDefinition(each, ({ States }) => { if (States[state]) change(States[state]); }),
    });
    body.Catch?.forEach((catcher: any, i: number) => {
      const errors = catcher.ErrorEquals.join(', ');
      add('catch', `[${i}]`, `no Catch of ${errors}`, (mutated) => removeAt(mutated, 'Catch', i), catcher.Next);
      if (typeof catcher.ResultPath === 'string') addResultPath(add, `.Catch[${i}]`, `of its Catch of ${errors}`, (mutated) => mutated.Catch[i], catcher);
    });
    if (body.Retry) add('retry', '', 'no Retry', (mutated) => { delete mutated.Retry; });
    body.Choices?.forEach((branch: any, i: number) => add('choice', `[${i}]`, `no branch to ${branch.Next}`, (mutated) => removeBranch(mutated, i), branch.Next));
    if ('ResultPath' in body) addResultPath(add, '', '', (mutated) => mutated, body);
    for (const name of Object.keys(body.Parameters ?? {}).filter((each) => TOKEN.test(each))) {
      add('token', `.${name}`, `no ${name}`, (mutated) => { delete mutated.Parameters[name]; });
      add('token', `.${name}~`, `a new ${name} at each try`, (mutated) => {
        delete mutated.Parameters[name];
        mutated.Parameters[name.replace(/(\.\$)?$/, '.$')] = 'States.UUID()';
      });
    }
  }
  return mutants;
}

type Add = (kind: MutantClass, what: string, says: string, change: (mutated: any) => void) => void;

function addResultPath(add: Add, where: string, says: string, part: (mutated: any) => any, { ResultPath: path }: any): void {
  if (path !== '$') add('resultPath', `${where}=$`, `the answer ${says} replaces the document`, (mutated) => { delete part(mutated).ResultPath; });
  if (path !== null) add('resultPath', `${where}=null`, `the answer ${says} is dropped`, (mutated) => { part(mutated).ResultPath = null; });
}

function removeAt(owner: any, name: string, index: number): void {
  owner[name].splice(index, 1);
  if (owner[name].length === 0) delete owner[name];
}

/** A Choice needs a branch: without its last one it is a Pass to its Default. */
function removeBranch(state: any, index: number): void {
  state.Choices.splice(index, 1);
  if (state.Choices.length > 0) return;
  Object.assign(state, state.Default === undefined
    ? { Type: 'Fail', Error: 'States.NoChoiceMatched' }
    : { Type: 'Pass', Next: state.Default });
  delete state.Choices;
  delete state.Default;
}

function iamMutants(template: any): Mutant[] {
  return Object.entries<any>(template.Resources).flatMap(([id, { Type, Properties }]) => {
    if (!/^AWS::IAM::(Managed)?Policy$/.test(Type)) return [];
    return Properties.PolicyDocument.Statement.map((statement: any): Mutant => {
      const text = JSON.stringify(statement);
      const actions = [statement.Action].flat();
      return {
        id: `iam:${id}:${actions[0]}${sameFirstAction(Properties.PolicyDocument.Statement, statement)}`,
        kind: 'iam',
        says: `${id} does not allow ${actions.join(', ')}`,
        actions,
        mutate: ({ Resources }) => {
          const document = Resources[id]?.Properties.PolicyDocument;
          if (document) document.Statement = document.Statement.filter((each: any) => JSON.stringify(each) !== text);
        },
      };
    });
  });
}

/** Tells statements with one first action apart. */
function sameFirstAction(statements: any[], statement: any): string {
  const alike = statements.filter(({ Action }) => [Action].flat()[0] === [statement.Action].flat()[0]);
  return alike.length === 1 ? '' : `#${alike.indexOf(statement)}`;
}

/** Texts with a shell script in them, wherever they are: in launch templates and in the definition. */
const isScript = (text: unknown): text is string => typeof text === 'string' && text.split('\n').length > 3;

function userDataMutants(template: any): Mutant[] {
  const mutants: Mutant[] = [];
  const add = (where: string, text: string, change: (template: any, edit: (text: string) => string) => void) => text.split('\n').forEach((line, i) => {
    if (line.trim() === '') return;
    mutants.push({
      id: `userData:${where}:${i}`,
      kind: 'userData',
      says: `${where} without its line ${i}: ${line.trim()}`,
      mutate: (each) => change(each, (whole) => whole.split('\n').filter((_, n) => n !== i).join('\n')),
    });
  });
  for (const [state, { Parameters = {} }] of Object.entries<any>(readDefinition(template).States)) {
    for (const [name, text] of Object.entries(Parameters).filter(([, value]) => isScript(value))) {
      add(`${state}.${name}`, text as string, (each, edit) => mutateDefinition(each, ({ States }) => {
        States[state].Parameters[name] = edit(States[state].Parameters[name]);
      }));
    }
  }
  for (const [id, { Type, Properties }] of Object.entries<any>(template.Resources)) {
    const data = Type === 'AWS::EC2::LaunchTemplate' ? Properties.LaunchTemplateData.UserData?.['Fn::Base64'] : undefined;
    if (isScript(data)) {
      add('base', data, ({ Resources }, edit) => {
        const owner = Resources[id]?.Properties.LaunchTemplateData.UserData;
        if (owner) owner['Fn::Base64'] = edit(owner['Fn::Base64']);
      });
    }
  }
  return mutants;
}
