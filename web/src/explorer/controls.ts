/** The small controls that the forms of questions are made of. Each shows a value and gives the new one to a function. */
import { type TemplateResult, html, nothing } from 'lit'
import { create } from '@bufbuild/protobuf'
import { type Duration, DurationSchema } from '@bufbuild/protobuf/wkt'
import { icon } from '../app/icons'
import type { Session } from '../app/session'
import { type Filter, Source } from '../gen/tidemark/v1/question_pb'
import './complete'
import './filter-builder'
import { fields, names } from './suggest'

/** What every form is given: whom it is for, and what to call when the question was changed. */
export type Form = {
  session: Session
  changed: () => void
  /** Whether an answer may be compared with the period before. */
  comparable: boolean
}

/** One of several. */
export function select<V>(
  label: string,
  options: { value: V; title: string }[],
  value: V,
  set: (value: V) => void,
): TemplateResult {
  const pick = (event: Event) => {
    const option = options[(event.target as HTMLSelectElement).selectedIndex]
    if (option) set(option.value)
  }
  return html`<select aria-label=${label} title=${label} @change=${pick}>
    ${options.map(each => html`<option ?selected=${each.value === value}>${each.title}</option>`)}
  </select>`
}

/** A number within limits; 0 shows as nothing, which leaves the choice to the server. */
export function number(
  label: string,
  value: number,
  limits: { least?: number; most: number; step?: number; usual?: string },
  set: (value: number) => void,
): TemplateResult {
  const { least = 1, most, step = 1, usual = '' } = limits
  const settle = (event: Event) => {
    const { value } = event.target as HTMLInputElement
    set(value === '' ? 0 : Math.min(most, Math.max(least, Number(value))))
  }
  return html`<input
    type="number"
    class="short number"
    aria-label=${label}
    title=${label}
    min=${least}
    max=${most}
    step=${step}
    placeholder=${usual}
    .value=${value ? String(value) : ''}
    @change=${settle}
  />`
}

/** Yes or no. */
export function check(label: string, value: boolean, set: (value: boolean) => void): TemplateResult {
  const settle = (event: Event) => set((event.target as HTMLInputElement).checked)
  return html`<label class="check"><input type="checkbox" .checked=${value} @change=${settle} /> ${label}</label>`
}

/** A line of a form: what it is about, and its controls. */
export function line(title: string, ...controls: unknown[]): TemplateResult {
  return html`<div class="line"><span class="muted">${title}</span><span class="row">${controls}</span></div>`
}

/** A part of a form under a heading. */
export function part(title: string, ...content: unknown[]): TemplateResult {
  return html`<section class="part"><h2>${title}</h2>${content}</section>`
}

/** A button that adds something. */
export function adder(title: string, add: () => void): TemplateResult {
  return html`<button class="quiet add" @click=${add}>${icon('add')} ${title}</button>`
}

/** A button that takes something away. */
export function remover(label: string, remove: () => void): TemplateResult {
  return html`<button class="quiet icon-only" aria-label=${label} title=${label} @click=${remove}>
    ${icon('close')}
  </button>`
}

/** The name of an event or metric. */
export function name(
  form: Form,
  source: Source,
  value: string,
  set: (value: string) => void,
  label = source === Source.METRICS ? 'Metric' : 'Event',
): TemplateResult {
  return html`<tm-complete
    class="grow"
    .label=${label}
    placeholder=${source === Source.METRICS ? 'choose a metric' : 'any event'}
    .value=${value}
    .suggest=${names(form.session.project, source)}
    @change=${(event: CustomEvent<string>) => set(event.detail.trim())}
  ></tm-complete>`
}

/** The path of a field. */
export function field(
  form: Form,
  about: { source?: Source; name?: string; label: string; placeholder: string },
  value: string,
  set: (value: string) => void,
): TemplateResult {
  const { source = Source.EVENTS, name = '', label, placeholder } = about
  return html`<tm-complete
    class="grow"
    .label=${label}
    placeholder=${placeholder}
    .value=${value}
    .suggest=${fields(form.session.project, source, name)}
    @change=${(event: CustomEvent<string>) => set(event.detail.trim())}
  ></tm-complete>`
}

/** Fields to split by, at most so many. */
export function breakdown(
  form: Form,
  about: { source?: Source; name?: string; most: number },
  chosen: string[],
  set: (chosen: string[]) => void,
): TemplateResult {
  const without = (path: string) => () => set(chosen.filter(each => each !== path))
  const add = (path: string) => path && set([...new Set([...chosen, path])])
  const more = field(form, { ...about, label: 'Field to split by', placeholder: 'add a field' }, '', add)
  return html`<div class="row">
    ${chosen.map(path => html`<span class="chip value">${path} ${remover(`Do not split by ${path}`, without(path))}</span>`)}
    ${chosen.length < about.most ? more : nothing}
  </div>`
}

/** A condition. */
export function filter(
  form: Form,
  about: { source?: Source; name?: string },
  value: Filter | undefined,
  set: (value: Filter | undefined) => void,
): TemplateResult {
  return html`<tm-filter-builder
    .session=${form.session}
    .source=${about.source ?? Source.EVENTS}
    .name=${about.name ?? ''}
    .filter=${value}
    @change=${(event: CustomEvent<Filter | undefined>) => set(event.detail)}
  ></tm-filter-builder>`
}

const LENGTHS = [
  { value: 86_400, title: 'days' },
  { value: 3_600, title: 'hours' },
  { value: 60, title: 'minutes' },
  { value: 1, title: 'seconds' },
]

/** A length of time; nothing leaves it to the server. */
export function length(
  label: string,
  value: Duration | undefined,
  about: { usual: string; unit: number },
  set: (value: Duration | undefined) => void,
): TemplateResult {
  const seconds = Number(value?.seconds ?? 0n)
  const unit = seconds ? (LENGTHS.find(each => seconds % each.value === 0)?.value ?? 1) : about.unit
  const write = (count: number, unit: number) =>
    set(count ? create(DurationSchema, { seconds: BigInt(Math.round(count * unit)) }) : undefined)
  const count = seconds / unit
  return html`${number(label, count, { most: 100_000, usual: about.usual }, many => write(many, unit))}
  ${select(`Unit of ${label.toLowerCase()}`, LENGTHS, unit, chosen => write(count || Number(about.usual), chosen))}`
}
