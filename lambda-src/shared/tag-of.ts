/** Value of a tag, in the shape that FSx and EC2 share. */
export function tagOf(resource: { Tags?: { Key?: string; Value?: string }[] }, key: string): string | undefined {
  return resource.Tags?.find((tag) => tag.Key === key)?.Value;
}
