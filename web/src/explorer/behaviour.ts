/** The forms of the questions about what people do: funnels, retention, lifecycle, sessions, paths, and who they are. */
import { type TemplateResult, html, nothing } from 'lit'
import type { Cohort } from '../gen/tidemark/v1/cohort_pb'
import {
  type FunnelQuestion,
  Interval_Unit,
  IntervalSchema,
  type LifecycleQuestion,
  type PathsQuestion,
  type PeopleQuestion,
  type RetentionQuestion,
  RetentionQuestion_Mode as Mode,
  RetentionQuestion_Start as Start,
  type SessionsQuestion,
  type WindowQuestion,
  Source,
  type Step,
} from '../gen/tidemark/v1/question_pb'
import { create } from '@bufbuild/protobuf'
import { UNITS, step } from '../model/question'
import {
  type Form,
  adder,
  breakdown,
  field,
  filter,
  length,
  line,
  name,
  number,
  part,
  remover,
  select,
} from './controls'
import { by, narrowing } from './measures'

const PERIODS = UNITS.filter(each => each.unit >= Interval_Unit.DAY).map(({ unit, title }) => ({
  value: unit,
  title,
}))
const MODES = [
  { value: Mode.ON, title: 'in that period' },
  { value: Mode.ON_OR_AFTER, title: 'then or later' },
]
const ENTRIES = [
  { value: Start.FIRST, title: 'for the first time' },
  { value: Start.EVERY, title: 'each time' },
]

/** The form of a funnel. */
export function funnelForm(form: Form, question: FunnelQuestion): TemplateResult {
  const { steps } = question
  const change = by(form)
  const swap = (place: number) => () => steps.splice(place - 1, 2, steps[place]!, steps[place - 1]!)
  const row = (each: Step, place: number) => html`<div class="measure">
    <div class="row">
      <span class="letter" aria-hidden="true">${place + 1}</span>
      ${stepName(form, each, `Step ${place + 1}`)}
      ${
        place > 0
          ? html`<button class="quiet icon-only" aria-label="Move step ${place + 1} up" title="Move up" @click=${() => change(swap(place))}>↑</button>`
          : nothing
      }
      ${steps.length > 2 ? remover(`Remove step ${place + 1}`, () => change(() => steps.splice(place, 1))) : nothing}
    </div>
    ${narrowing(form, { name: each.name }, each)}
  </div>`
  return html`
    ${part('Steps', steps.map(row), steps.length < 10 ? adder('Step', () => change(() => steps.push(step()))) : nothing)}
    ${part('Where', where(form, question))}
    ${part('Split by', single(form, question, steps[0]?.name))}
    ${part(
      'Options',
      line(
        'Within',
        length('Window', question.window, { usual: '14', unit: 86_400 }, value =>
          change(() => (question.window = value)),
        ),
      ),
      tops(form, question),
    )}
  `
}

/** The form of a retention. */
export function retentionForm(form: Form, question: RetentionQuestion): TemplateResult {
  const change = by(form)
  question.start ??= step()
  question.back ??= step()
  const { start, back } = question
  const period = question.period || Interval_Unit.DAY
  return html`
    ${part('People who did', html`<div class="measure">${stepName(form, start, 'What people begin with')}${narrowing(form, { name: start.name }, start)}</div>`)}
    ${part('Came back and did', html`<div class="measure">${stepName(form, back, 'What counts as coming back')}${narrowing(form, { name: back.name }, back)}</div>`)}
    ${part('Where', where(form, question))}
    ${part('Split by', single(form, question, start.name))}
    ${part(
      'Options',
      line(
        'Followed for',
        number(
          'How many periods',
          question.periods,
          { most: 60, usual: period === Interval_Unit.MONTH ? '6' : '8' },
          value => change(() => (question.periods = value)),
        ),
        select('Length of a period', PERIODS, period, value => change(() => (question.period = value))),
      ),
      line(
        'Back',
        select('When somebody counts as back', MODES, question.mode || Mode.ON, value =>
          change(() => (question.mode = value)),
        ),
      ),
      line(
        'Who began',
        select('Who belongs to a period', ENTRIES, question.entry || Start.FIRST, value =>
          change(() => (question.entry = value)),
        ),
      ),
      tops(form, question),
    )}
  `
}

/** The form of a lifecycle. */
export function lifecycleForm(form: Form, question: LifecycleQuestion): TemplateResult {
  question.activity ??= step()
  const { activity } = question
  const set = (value: Interval_Unit) => by(form)(() => (question.period = value))
  return html`
    ${part('Active are those who did', html`<div class="measure">${stepName(form, activity, 'What makes somebody active')}</div>`)}
    ${part('Where', where(form, activity, activity.name))}
    ${part('Options', line('By', select('Length of a period', PERIODS, question.period || Interval_Unit.DAY, set)))}
  `
}

/** The form of sessions. */
export function sessionsForm(form: Form, question: SessionsQuestion): TemplateResult {
  const change = by(form)
  const units = [
    { value: Interval_Unit.UNSPECIFIED, title: 'automatic' },
    ...UNITS.map(({ unit, title }) => ({ value: unit, title })),
  ]
  const setUnit = (unit: Interval_Unit) =>
    change(() => (question.interval = unit ? create(IntervalSchema, { unit }) : undefined))
  return html`
    ${part('Sessions with an event where', where(form, question))}
    ${part(
      'Options',
      gap(form, question, 'A session ends after'),
      line('Every', select('Width of a bucket', units, question.interval?.unit ?? 0, setUnit)),
      line(
        'Entries and exits',
        number('How many', question.top, { most: 100, usual: '10' }, value =>
          change(() => (question.top = value)),
        ),
      ),
    )}
  `
}

/** The form of paths. */
export function pathsForm(form: Form, question: PathsQuestion): TemplateResult {
  const change = by(form)
  question.start ??= step()
  const { start } = question
  const ways = [
    { value: false, title: 'Paths from' },
    { value: true, title: 'Paths to' },
  ]
  return html`
    ${part(
      'Paths',
      html`<div class="measure">
        <div class="row">
          ${select('Which way', ways, question.backwards, value => change(() => (question.backwards = value)))}
          ${stepName(form, start, 'Where paths begin or end')}
        </div>
        ${narrowing(form, { name: start.name }, start)}
      </div>`,
    )}
    ${part('Steps are events where', where(form, question))}
    ${part(
      'Options',
      line(
        'A step is named by',
        field(form, { label: 'Field that names a step', placeholder: 'name' }, question.stepBy, value =>
          change(() => (question.stepBy = value)),
        ),
      ),
      line(
        'Steps followed',
        number('How many steps', question.depth, { most: 10, usual: '4' }, value =>
          change(() => (question.depth = value)),
        ),
      ),
      line(
        'Nodes at a step',
        number('How many nodes', question.top, { most: 20, usual: '6' }, value =>
          change(() => (question.top = value)),
        ),
      ),
      gap(form, question, 'A path ends after'),
    )}
  `
}

/** The form of people. Those behind a figure come from the figure and are only named here. */
export function peopleForm(form: Form, question: PeopleQuestion, known: Cohort[]): TemplateResult {
  const change = by(form)
  const { group } = question
  if (group.case === 'funnel' || group.case === 'retention' || group.case === 'lifecycle')
    return part('People', html`<p class="muted">Those behind a figure of a ${group.case}.</p>`)
  const ways = [
    { value: 'did' as const, title: 'did' },
    { value: 'cohort' as const, title: 'belong to' },
  ]
  const turn = (way: 'did' | 'cohort') =>
    change(
      () =>
        (question.group =
          way === 'did' ? { case: way, value: step() } : { case: way, value: known[0]?.name ?? '' }),
    )
  const choices = [{ value: '', title: known.length ? 'choose a cohort' : 'there are no cohorts' }].concat(
    known.map(each => ({ value: each.name, title: each.displayName || each.name })),
  )
  return html`
    ${part(
      'People who',
      html`<div class="measure row">
        ${select('What people did or are', ways, group.case ?? 'did', turn)}
        ${
          group.case === 'cohort'
            ? select('Cohort', choices, group.value, value => change(() => (group.value = value)))
            : nothing
        }
        ${group.case === 'did' ? stepName(form, group.value, 'What they did') : nothing}
      </div>`,
    )}
    ${group.case === 'did' ? part('Where', where(form, group.value, group.value.name)) : nothing}
  `
}

function stepName(form: Form, each: Step, label: string) {
  return name(form, Source.EVENTS, each.name, value => by(form)(() => (each.name = value)), label)
}

function where(form: Form, holder: Pick<Step, 'filter'>, name = '') {
  return filter(form, { name }, holder.filter, value => by(form)(() => (holder.filter = value)))
}

/** A breakdown by one field. */
function single(form: Form, question: FunnelQuestion | RetentionQuestion, name = '') {
  const chosen = question.groupBy ? [question.groupBy] : []
  return breakdown(form, { name, most: 1 }, chosen, ([path = '']) =>
    by(form)(() => (question.groupBy = path)),
  )
}

function tops(form: Form, question: FunnelQuestion | RetentionQuestion) {
  if (!question.groupBy) return nothing
  const set = (value: number) => by(form)(() => (question.top = value))
  return line('Show the top', number('How many groups', question.top, { most: 25, usual: '5' }, set))
}

function gap(form: Form, question: SessionsQuestion | PathsQuestion, title: string) {
  const set = (value: SessionsQuestion['gap']) => by(form)(() => (question.gap = value))
  return line(title, length('Time without an event', question.gap, { usual: '30', unit: 60 }, set))
}

/** The form of what a window has kept. */
export function windowForm(form: Form, question: WindowQuestion): TemplateResult {
  const change = by(form)
  const set = (event: Event) =>
    change(() => (question.window = (event.target as HTMLInputElement).value.trim()))
  return html`
    ${part(
      'Window',
      html`<input aria-label="Window" placeholder="projects/…/windows/…" .value=${question.window} @change=${set} />`,
    )}
    ${part(
      'Options',
      line(
        'Keys',
        number('How many', question.top, { most: 100, usual: '10' }, value =>
          change(() => (question.top = value)),
        ),
      ),
    )}
  `
}
