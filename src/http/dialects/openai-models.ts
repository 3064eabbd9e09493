/** Ollama's models in the form of OpenAI's model list. */

/** What is needed of an entry of `/api/tags`; for a model from `/api/show` the caller adds the name it asked for. */
export interface ListedModel {
  readonly model?: string | undefined;
  readonly name?: string | undefined;
  readonly modified_at?: string | undefined;
  /** Ours, for an entry of a list; passed on as it is. */
  readonly deci?: object | undefined;
}

/** The part before the model in `host/namespace/model:tag`; Ollama's own models are in `library`. */
function namespaceOf(id: string): string {
  return id.split('/').at(-2) || 'library';
}

export function renderOpenAiModel(model: ListedModel): object {
  const id = model.model || model.name || '';
  const modifiedMs = Date.parse(model.modified_at ?? '');
  return {
    id,
    object: 'model',
    created: Number.isNaN(modifiedMs) ? 0 : Math.floor(modifiedMs / 1000),
    owned_by: namespaceOf(id),
    ...(model.deci === undefined ? {} : { deci: model.deci }),
  };
}

export function renderOpenAiModels(models: readonly ListedModel[]): object {
  return { object: 'list', data: models.map(renderOpenAiModel) };
}
