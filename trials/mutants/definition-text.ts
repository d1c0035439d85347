const MARK = /<<(\d+)>>/g;

/** The definition of a template's state machine, with its tokens as marks. */
export function readDefinition(template: any): any {
  return JSON.parse(marked(machineOf(template)).text);
}

/** Changes the definition in place; states that cannot be reached any more are left out, as they could not be deployed. */
export function mutateDefinition(template: any, change: (definition: any) => void): void {
  for (const machine of machinesOf(template)) {
    const { text, tokens } = marked(machine);
    const definition = JSON.parse(text);
    change(definition);
    const reached = reachable(definition);
    definition.States = Object.fromEntries(Object.entries(definition.States).filter(([name]) => reached.has(name)));
    const parts: any[] = JSON.stringify(definition).split(MARK).map((part, i) => i % 2 === 0 ? part : tokens[Number(part)]);
    machine.Properties.DefinitionString = { 'Fn::Join': ['', parts] };
  }
}

const machinesOf = ({ Resources }: any): any[] => Object.values<any>(Resources).filter(({ Type }) => Type === 'AWS::StepFunctions::StateMachine');

function machineOf(template: any): any {
  const [machine] = machinesOf(template);
  if (!machine) throw new Error('the template has no state machine');
  return machine;
}

function marked({ Properties: { DefinitionString: given } }: any): { text: string; tokens: any[] } {
  const tokens: any[] = [];
  const parts: any[] = typeof given === 'string' ? [given] : given['Fn::Join'][1];
  const text = parts.map((part) => typeof part === 'string' ? part : `<<${tokens.push(part) - 1}>>`).join('');
  return { text, tokens };
}

function reachable({ StartAt, States }: any): Set<string> {
  const found = new Set<string>([StartAt]);
  for (const name of found) {
    const { Next, Default, Choices = [], Catch = [] } = States[name];
    for (const next of [Next, Default, ...[...Choices, ...Catch].map((each: any) => each.Next)]) if (next !== undefined) found.add(next);
  }
  return found;
}
