import { ITaggableV2, Lazy, Stack, TagManager, TagType } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';

/** Catches the tags that `Tags.of()` gives to this place in the tree, for the resources that a run creates. */
export class RunTags extends Construct implements ITaggableV2 {
  public readonly cdkTagManager = new TagManager(TagType.MAP, 'cdk-lustre-auto-export::Run');

  constructor(scope: Construct) {
    super(scope, 'RunTags');
  }

  /** The tags given to this place and those of the `tags` prop of its stack. To be asked when the tree is synthesized. */
  public values(): { [key: string]: string } {
    return { ...Stack.of(this).tags.tagValues(), ...this.cdkTagManager.tagValues() };
  }

  /** The same, as a value that is resolved when the tree is synthesized. */
  public render(): { [key: string]: string } {
    return Lazy.any({ produce: () => this.values() }) as unknown as { [key: string]: string };
  }
}
