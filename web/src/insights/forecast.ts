import { create } from '@bufbuild/protobuf'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, state } from 'lit/decorators.js'
import { moved, navigate } from '../app/router'
import { queries } from '../client/transport'
import '../dashboard/time-range'
import '../explorer/query-editor'
import '../explorer/trust'
import type { BacktestResponse, ForecastMethod, ForecastResponse } from '../gen/tidemark/v1/forecast_pb'
import type { RunQueryResponse } from '../gen/tidemark/v1/query_pb'
import {
  IntervalSchema,
  Interval_Unit as Unit,
  type Query,
  QuerySchema,
  type TimeRange,
} from '../gen/tidemark/v1/question_pb'
import { keyOf } from '../model/answer'
import { first, missing } from '../model/question'
import { last } from '../model/range'
import { type Chart, chart, growing } from '../model/series'
import * as address from '../model/share'
import { Page } from '../page/page'
import { forecasts } from './clients'
import './forecast-series'
import { METHODS } from './model/words'

const COVERAGES = [0.5, 0.8, 0.9, 0.95, 0.99]
/** So much of the past is learnt from at first, in seconds, in buckets of an hour. */
const PAST = 28 * 86_400

/** How any series goes on: a question as the explorer asks it, its forecast with the error measured on its own past, and a back-test. */
@customElement('tm-forecast')
export class Forecast extends Page {
  @state() private query: Query = begun()
  @state() private horizon = 0
  @state() private coverage = 0.9
  @state() private method: ForecastMethod = 0
  @state() private past?: RunQueryResponse
  @state() private forecast?: ForecastResponse
  @state() private tested?: BacktestResponse
  @state() private doing = ''

  static override styles = [
    ...Page.styles,
    css`
      .columns {
        display: grid;
        grid-template-columns: minmax(300px, 360px) minmax(0, 1fr);
        gap: var(--space-4);
        align-items: start;
      }
      .editor {
        display: grid;
        gap: var(--space-4);
        padding: var(--space-4);
      }
      .pair {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(130px, 1fr));
        gap: var(--space-3);
      }
      .result {
        display: grid;
        gap: var(--space-3);
        min-width: 0;
      }
      @media (max-width: 1100px) {
        .columns {
          grid-template-columns: minmax(0, 1fr);
        }
      }
    `,
  ]

  override connectedCallback() {
    super.connectedCallback()
    this.recall()
    addEventListener('popstate', this.recall)
    addEventListener('tm-route', this.arrive)
  }

  override disconnectedCallback() {
    super.disconnectedCallback()
    removeEventListener('popstate', this.recall)
    removeEventListener('tm-route', this.arrive)
  }

  override willUpdate(changed: PropertyValues) {
    // What was asked otherwise is no answer.
    if (['session', 'query', 'horizon', 'coverage', 'method'].some(each => changed.has(each)))
      this.forecast = this.past = this.tested = undefined
    if (changed.has('session') && address.read(location.search)) void this.make()
  }

  override render() {
    const { session, query } = this
    return html`
      <header class="row">
        <h1>Forecast</h1>
        <span class="grow"></span>
        <tm-time-range
          .range=${query.timeRange}
          .zone=${query.timeZone || session.zone}
          @change=${(event: CustomEvent<TimeRange>) => this.ask(create(QuerySchema, { ...query, timeRange: event.detail }))}
        ></tm-time-range>
        <p class="muted">
          The time chosen is the past that is learnt from; its unfinished last bucket is left out. Every forecast tells the error measured
          on its own past, beside that of repeating the last season.
        </p>
      </header>
      <div class="columns">
        <section class="panel editor" aria-label="The series">
          <tm-query-editor
            .session=${session}
            .query=${query}
            .kinds=${['series']}
            .comparable=${false}
            @change=${(event: CustomEvent<Query>) => this.ask(event.detail)}
          ></tm-query-editor>
          ${this.options()}
          <div class="row">
            <button class="primary" ?disabled=${this.busy} @click=${this.make}>Forecast</button>
            <button ?disabled=${this.busy} @click=${this.test}>Back-test</button>
          </div>
        </section>
        <section class="result" aria-label="The forecast">${this.trouble()} ${this.result()}</section>
      </div>
    `
  }

  private options() {
    const number = (event: Event) => Number((event.target as HTMLInputElement | HTMLSelectElement).value)
    return html`<div class="pair">
      <label class="field"
        >Buckets ahead
        <input
          type="number"
          min="1"
          max="1000"
          placeholder="a season"
          .value=${this.horizon ? String(this.horizon) : ''}
          @change=${(event: Event) => (this.horizon = Math.min(1000, Math.max(0, Math.round(number(event)))))}
        />
      </label>
      <label class="field"
        >Share the band is to hold
        <select @change=${(event: Event) => (this.coverage = number(event))}>
          ${COVERAGES.map(each => html`<option value=${each} ?selected=${each === this.coverage}>${each * 100}%</option>`)}
        </select>
      </label>
      <label class="field"
        >Method
        <select @change=${(event: Event) => (this.method = number(event))}>
          ${METHODS.map(each => html`<option value=${each.value} ?selected=${each.value === this.method}>${each.title}</option>`)}
        </select>
      </label>
    </div>`
  }

  private result() {
    const { forecast, past, tested, doing } = this
    if (doing) return html`<div class="panel state" role="status">${doing}</div>`
    if (!forecast || past?.result.case !== 'series')
      return this.failure
        ? nothing
        : html`<div class="panel state">
            <strong>Nothing is forecast yet</strong>
            <p>Choose a series, how far back it is learnt from and how far ahead, then press Forecast.</p>
          </div>`
    const { end } = past.metadata?.timeRange ?? {}
    const { watermark } = past.metadata ?? {}
    const drawn: Chart = chart(past.result.value, this.query, '', end && timestampMs(end))
    const ended = growing(drawn, watermark && timestampMs(watermark))
    const lines = new Map(drawn.lines.map(line => [line.key, line]))
    const tests = new Map(tested?.series.map(each => [keyOf(each), each]))
    return html`
      ${forecast.series.map(
        each =>
          html`<tm-forecast-series
            .past=${drawn}
            .line=${lines.get(keyOf(each))}
            .ended=${ended}
            .starts=${forecast.bucketStarts}
            .series=${each}
            .tested=${tests.get(keyOf(each))}
            .zone=${this.query.timeZone || this.session.zone}
          ></tm-forecast-series>`,
      )}
      <tm-trust class="panel" .metadata=${forecast.metadata} .zone=${this.session.zone}></tm-trust>
    `
  }

  private ask(query: Query) {
    this.query = query
    navigate(`/insights/forecast${address.write({ query, display: 0 })}`, { replace: true })
  }

  private recall = () => {
    this.query = address.read(location.search)?.query ?? begun()
  }

  private arrive = (event: Event) => {
    if (moved(event)) this.recall()
  }

  private get request() {
    const { query, horizon, coverage, method } = this
    return { project: this.session.project, query, horizon, coverage, method }
  }

  private make = () =>
    this.wait('Learning from the past…', async () => {
      const { project, query } = this.request
      const [forecast, past] = await Promise.all([
        forecasts.forecast(this.request),
        queries.runQuery({ project, query }),
      ])
      return { forecast, past, tested: undefined }
    })

  private test = () =>
    this.wait('Forecasting the past from many earlier instants…', async () => {
      const { project, query } = this.request
      const [tested, forecast, past] = await Promise.all([
        forecasts.backtest(this.request),
        this.forecast ?? forecasts.forecast(this.request),
        this.past ?? queries.runQuery({ project, query }),
      ])
      return { forecast, past, tested }
    })

  private async wait(
    doing: string,
    ask: () => Promise<{ forecast: ForecastResponse; past: RunQueryResponse; tested?: BacktestResponse }>,
  ) {
    const wanted = missing(this.query)
    this.doing = wanted ? '' : doing
    await this.read(
      () => (wanted ? Promise.reject(new Error(wanted)) : ask()),
      found => Object.assign(this, found),
    )
    this.doing = ''
  }
}

function begun(): Query {
  const query = create(QuerySchema, { ...first(), timeRange: last(PAST) })
  if (query.question.case === 'series')
    query.question.value.interval = create(IntervalSchema, { unit: Unit.HOUR })
  return query
}
