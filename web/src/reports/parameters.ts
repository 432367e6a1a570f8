/** The form of the parameters of a template: values come in, and go out as they are chosen; names are completed by the server. */
import type { JsonValue } from '@bufbuild/protobuf'
import { type TemplateResult, html } from 'lit'
import type { Session } from '../app/session'
import '../explorer/complete'
import { remover } from '../explorer/controls'
import { type Suggest, fields, names } from '../explorer/suggest'
import { Source } from '../gen/tidemark/v1/question_pb'
import {
  type ReportFault,
  type ReportTemplate,
  type TemplateParameter,
  TemplateParameter_Kind as Kind,
  type TemplateUse,
} from '../gen/tidemark/v1/report_pb'
import { wrong } from './forms'
import { given, nameOf, required, shown, usual, written } from './model/template'

/** The form; `set` is given the use of the template with what was chosen. */
export function parametersForm(
  session: Session,
  template: ReportTemplate,
  use: TemplateUse,
  faults: readonly ReportFault[],
  set: (use: TemplateUse) => void,
): TemplateResult[] {
  return template.parameters.map(parameter => {
    const put = (value: JsonValue | undefined) => set(given(use, parameter.id, value))
    return html`<div class="parameter">
      ${control(session, parameter, use.values?.[parameter.id], put)}
      ${parameter.description ? html`<p class="muted small">${parameter.description}</p>` : ''}
      ${wrong(faults, `report.template.values.${parameter.id}`)}
    </div>`
  })
}

function control(
  session: Session,
  parameter: TemplateParameter,
  value: JsonValue | undefined,
  put: (value: JsonValue | undefined) => void,
) {
  const label = nameOf(parameter)
  const placeholder = shown(usual(parameter)) || (required(parameter) ? 'required' : 'none')
  const settle = (text: string) => put(written(parameter, text))
  switch (parameter.kind) {
    case Kind.BOOLEAN: {
      const on = (value ?? usual(parameter)) === true
      return html`<label class="check"
        ><input type="checkbox" .checked=${on} @change=${(event: Event) => put((event.target as HTMLInputElement).checked)} />
        ${label}</label
      >`
    }
    case Kind.EVENT:
    case Kind.FIELD:
    case Kind.METRIC:
      return completed(label, placeholder, shown(value), suggest(session, parameter.kind), settle)
    case Kind.EVENTS: {
      const chosen = Array.isArray(value) ? value.map(shown) : []
      const add = (text: string) => text.trim() && put([...new Set([...chosen, text.trim()])])
      const drop = (name: string) => () => {
        const rest = chosen.filter(each => each !== name)
        put(rest.length ? rest : undefined)
      }
      return html`${completed(label, chosen.length ? 'add another' : placeholder, '', suggest(session, Kind.EVENT), add)}
        <div class="row chosen">
          ${chosen.map(name => html`<span class="chip value">${name} ${remover(`Remove ${name}`, drop(name))}</span>`)}
        </div>`
    }
    default:
      return html`<label class="field"
        >${label}
        <input
          type=${parameter.kind === Kind.NUMBER ? 'number' : 'text'}
          step="any"
          placeholder=${placeholder}
          .value=${shown(value)}
          @change=${(event: Event) => settle((event.target as HTMLInputElement).value)}
        />
      </label>`
  }
}

function completed(
  label: string,
  placeholder: string,
  value: string,
  suggest: Suggest,
  settle: (text: string) => unknown,
) {
  return html`<label class="field"
    >${label}
    <tm-complete
      .label=${label}
      placeholder=${placeholder}
      .value=${value}
      .suggest=${suggest}
      @change=${(event: CustomEvent<string>) => settle(event.detail)}
    ></tm-complete>
  </label>`
}

function suggest({ project }: Session, kind: Kind): Suggest {
  if (kind === Kind.FIELD) return fields(project, Source.EVENTS, '')
  return names(project, kind === Kind.METRIC ? Source.METRICS : Source.EVENTS)
}
