/** A breaker is named after its host, or its host and a model on it with a blank between: neither has one in it. */
function nameOf(host: string, model: string): string {
  return model === '' || model.includes(' ') ? host : `${host} ${model}`;
}

export function hostOf(name: string): string {
  return name.split(' ', 1)[0] ?? name;
}

/** Making a name costs more than a look at its breaker, and an attempt needs the same one several times in a row. */
export class LastName {
  #last = { host: '', model: '', name: '' };

  of(host: string, model: string): string {
    const last = this.#last;
    if (last.model === model && last.host === host) return last.name;
    const name = nameOf(host, model);
    this.#last = { host, model, name };
    return name;
  }
}
