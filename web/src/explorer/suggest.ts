/** What may complete what somebody types, asked of the server. Each gives a function that `<tm-complete>` calls. */
import { queries } from '../client/transport'
import { SuggestRequest_Kind as Kind, type Suggestion } from '../gen/tidemark/v1/query_pb'
import { Source } from '../gen/tidemark/v1/question_pb'

export type Suggest = (text: string, signal: AbortSignal) => Promise<Suggestion[]>

/** Names of events or metrics. */
export function names(project: string, source: Source): Suggest {
  const kind = source === Source.METRICS ? Kind.METRIC_NAME : Kind.EVENT_NAME
  return (text, signal) => ask({ project, kind, text }, signal)
}

/** Paths of the fields of events or points with this name, or of any. */
export function fields(project: string, source: Source, name: string): Suggest {
  return (text, signal) => ask({ project, kind: Kind.FIELD, text, source, name }, signal)
}

/** Values of a field. */
export function values(project: string, source: Source, name: string, field: string): Suggest {
  return (text, signal) =>
    field ? ask({ project, kind: Kind.VALUE, text, source, name, field }, signal) : Promise.resolve([])
}

async function ask(
  request: Parameters<typeof queries.suggest>[0],
  signal: AbortSignal,
): Promise<Suggestion[]> {
  return (await queries.suggest(request, { signal })).suggestions
}
