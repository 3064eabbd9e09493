/** A breaker is named after its host, or its host and a model on it with a blank between: neither has one in it. */
export function nameOf(host: string, model: string): string {
  return model === '' || model.includes(' ') ? host : `${host} ${model}`;
}

export function hostOf(name: string): string {
  return name.split(' ', 1)[0] ?? name;
}
