// The name of a job, or what stands for it.

export const nameOf = (j: { spec: { name?: string; api: string } }): string =>
  j.spec.name || j.spec.api.replace(/^https?:\/\//, "");
