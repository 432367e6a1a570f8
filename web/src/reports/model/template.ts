/** Parameters of templates: what is written in a form comes in, the values that a template is given go out, and back. */
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import { create, toJson } from '@bufbuild/protobuf'
import { ValueSchema } from '@bufbuild/protobuf/wkt'
import { type Option, listed } from '../../common/words'
import {
  type ReportTemplate,
  ReportTemplateSchema,
  type TemplateParameter,
  TemplateParameter_Kind as Kind,
  type TemplateUse,
  TemplateUseSchema,
} from '../../gen/tidemark/v1/report_pb'

export const KINDS: Option<Kind>[] = [
  { value: Kind.UNSPECIFIED, title: 'text' },
  { value: Kind.NUMBER, title: 'number' },
  { value: Kind.BOOLEAN, title: 'yes or no' },
  { value: Kind.LIST, title: 'list of texts' },
  { value: Kind.EVENT, title: 'event' },
  { value: Kind.EVENTS, title: 'events' },
  { value: Kind.FIELD, title: 'field' },
  { value: Kind.METRIC, title: 'metric' },
]

const MANY = new Set([Kind.LIST, Kind.EVENTS])

/** Whether a parameter takes several values. */
export function takesMany({ kind }: TemplateParameter): boolean {
  return MANY.has(kind)
}

/** Whether whoever uses the template has to give it. */
export function required({ defaultValue }: TemplateParameter): boolean {
  return defaultValue === undefined
}

/** The default as JSON; undefined where there is none. */
export function usual({ defaultValue }: TemplateParameter): JsonValue | undefined {
  return defaultValue && toJson(ValueSchema, defaultValue)
}

/** A value as people read it. */
export function shown(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return ''
  if (Array.isArray(value)) return value.map(shown).join(', ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** What was written for a parameter; undefined where nothing was, so that the default holds. */
export function written(parameter: TemplateParameter, text: string): JsonValue | undefined {
  const trimmed = text.trim()
  if (!trimmed) return undefined
  if (takesMany(parameter)) return listed(trimmed)
  if (parameter.kind === Kind.BOOLEAN) return trimmed === 'true'
  if (parameter.kind !== Kind.NUMBER) return trimmed
  const number = Number(trimmed)
  return Number.isFinite(number) ? number : undefined
}

/** The use of a template with another value of a parameter. */
export function given(use: TemplateUse, id: string, value: JsonValue | undefined): TemplateUse {
  const values: JsonObject = { ...use.values }
  if (value === undefined) delete values[id]
  else values[id] = value
  return create(TemplateUseSchema, { ...use, values })
}

/** The parameters that have to be given and are not. */
export function wanting(template: ReportTemplate, use: TemplateUse): TemplateParameter[] {
  return template.parameters.filter(each => required(each) && use.values?.[each.id] === undefined)
}

/** What a parameter is called. */
export function nameOf({ displayName, id }: TemplateParameter): string {
  return displayName || id
}

/** What an editor of templates begins with. */
export function begun(): ReportTemplate {
  return create(ReportTemplateSchema, {
    parameters: [{ id: 'event', displayName: 'Event', kind: Kind.EVENT }],
    source: `- id: orders
  title: {{ event | tojson }}
  figures:
    figures:
      - id: total
        query: {series: {measures: [{name: {{ event | tojson }}, aggregation: AGGREGATION_COUNT}]}}
- id: over_time
  question:
    query: {series: {measures: [{name: {{ event | tojson }}, aggregation: AGGREGATION_COUNT}]}}
`,
  })
}

/** The line that a message about a source names, counted from 1; undefined where it names none. */
export function lineOf(message: string): number | undefined {
  const [, line] = /\bline (\d+)/i.exec(message) ?? []
  return line === undefined ? undefined : Number(line)
}
