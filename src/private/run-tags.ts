import { ITaggableV2, Lazy, TagManager, TagType } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';

/** Catches the tags that `Tags.of()` gives to this place in the tree, for the resources that a run creates. */
export class RunTags extends Construct implements ITaggableV2 {
  public readonly cdkTagManager = new TagManager(TagType.MAP, 'cdk-lustre-auto-export::Run');

  constructor(scope: Construct) {
    super(scope, 'RunTags');
  }

  /** `{ key: value }`, known when the tree is synthesized. */
  public render(): { [key: string]: string } {
    return Lazy.any({ produce: () => this.cdkTagManager.renderTags() ?? {} }) as unknown as { [key: string]: string };
  }
}
