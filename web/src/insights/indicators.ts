import { create } from '@bufbuild/protobuf'
import { css, html } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import { Collection, type Column } from '../common/collection'
import { titleOf } from '../common/words'
import '../explorer/complete'
import '../explorer/query-editor'
import { names } from '../explorer/suggest'
import {
  Direction,
  type Indicator,
  IndicatorSchema,
  Indicator_Kind as Kind,
} from '../gen/tidemark/v1/insight_pb'
import { type Query, Source } from '../gen/tidemark/v1/question_pb'
import { NOTHING, number } from '../model/format'
import { titles } from '../model/measures'
import { first } from '../model/question'
import { insights } from './clients'
import { INDICATORS, INTERVALS } from './model/words'

const GOOD: Partial<Record<Direction, string>> = { [Direction.UP]: 'up', [Direction.DOWN]: 'down' }

/** Series that matter to a business, with what is good, what is too much, and what they are worth. */
@customElement('tm-indicators')
export class Indicators extends Collection<Indicator> {
  @state() private kind: Kind = Kind.RETENTION
  @state() private subject = ''
  @state() private series: Query = first()

  protected readonly wording = {
    title: 'Indicators',
    one: 'indicator',
    about:
      'The series that matter to you. A change of one is told with its direction, its threshold and what it is worth.',
    none: ['Make one for what your business lives by.', 'Somebody who may write can make one.'],
    loss: 'It is watched no more. What was found about it stays.',
  } as const

  protected readonly columns: Column<Indicator>[] = [
    { title: 'Indicator', of: each => this.titled(each), kind: 'text' },
    { title: 'Of', of: about, kind: 'text' },
    { title: 'Every', of: ({ interval }) => titleOf(INTERVALS, interval) || 'hour' },
    { title: 'Good', of: ({ goodDirection }) => GOOD[goodDirection] ?? NOTHING },
    {
      title: 'Threshold',
      of: ({ threshold }) => (threshold === undefined ? NOTHING : number(threshold)),
      kind: 'number',
    },
    {
      title: 'One more is worth',
      of: ({ valuePerUnit, valueUnit }) => (valuePerUnit ? `${number(valuePerUnit)} ${valueUnit}` : NOTHING),
      kind: 'number',
    },
  ]

  static override styles = [
    ...Collection.styles,
    css`
      .pair {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(150px, 1fr));
        gap: var(--space-3);
      }
      tm-complete {
        width: 100%;
      }
    `,
  ]

  protected get may(): boolean {
    return this.session.author
  }

  protected form() {
    const { kind } = this
    const asks = INDICATORS.find(each => each.value === kind)?.asks
    const source = kind === Kind.RESPONSE_TIME ? Source.METRICS : Source.EVENTS
    return html`<label class="field"
            >Kind
            <select @change=${(event: Event) => (this.kind = Number((event.target as HTMLSelectElement).value))}>
              ${INDICATORS.map(each => html`<option value=${each.value} ?selected=${each.value === kind}>${each.title}</option>`)}
            </select>
          </label>
          ${
            kind === Kind.NAMED
              ? html`<tm-query-editor
                    .session=${this.session}
                    .query=${this.series}
                    .kinds=${['series']}
                    .comparable=${false}
                    @change=${(event: CustomEvent<Query>) => (this.series = event.detail)}
                  ></tm-query-editor>
                  <label class="field"
                    >Good is
                    <select name="good">
                      <option value=${Direction.UP}>up</option>
                      <option value=${Direction.DOWN}>down</option>
                    </select>
                  </label>`
              : html`<div>
                  <tm-complete
                    .label=${asks ?? ''}
                    placeholder=${source === Source.METRICS ? 'choose a metric' : `${asks}: any event`}
                    .value=${this.subject}
                    .suggest=${names(this.session.project, source)}
                    @change=${(event: CustomEvent<string>) => (this.subject = event.detail.trim())}
                  ></tm-complete>
                </div>`
          }
          <div class="pair">
            <label class="field">Bad beyond <input name="threshold" type="number" step="any" placeholder="no threshold" /></label>
            <label class="field"
              >Every
              <select name="interval">
                ${INTERVALS.map(each => html`<option value=${each.value}>${each.title}</option>`)}
              </select>
            </label>
            <label class="field">One more is worth <input name="worth" type="number" step="any" placeholder="not known" /></label>
            <label class="field">In <input name="unit" placeholder="EUR" maxlength="20" /></label>
          </div>`
  }

  protected async create(text: (name: string) => string) {
    const { kind } = this
    const named = kind === Kind.NAMED
    const indicator = create(IndicatorSchema, {
      displayName: text('title'),
      kind,
      series: named && this.series.question.case === 'series' ? this.series.question.value : undefined,
      subject: named ? '' : this.subject,
      goodDirection: Number(text('good')) || Direction.UNSPECIFIED,
      threshold: text('threshold') ? Number(text('threshold')) : undefined,
      valuePerUnit: Number(text('worth')),
      valueUnit: text('unit'),
      interval: Number(text('interval')),
    })
    const { project: parent } = this.session
    await insights.createIndicator({ parent, indicator, requestId: crypto.randomUUID() })
    this.subject = ''
  }

  protected forget(name: string) {
    return insights.deleteIndicator({ name })
  }

  protected async load() {
    const { project: parent } = this.session
    await this.read(
      () => insights.listIndicators({ parent }),
      ({ indicators }) => (this.all = indicators),
    )
  }
}

/** What an indicator is of, in words. */
function about({ kind, subject, series }: Indicator): string {
  const title = titleOf(INDICATORS, kind).toLowerCase()
  if (kind !== Kind.NAMED) return `${title} of ${subject || 'all events'}`
  const query = { ...first(), question: { case: 'series' as const, value: series! } }
  return titles(query)
    .map(each => each.title)
    .join(', ')
}
