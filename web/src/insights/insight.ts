import { create } from '@bufbuild/protobuf'
import { LitElement, type PropertyValues, css, html, nothing } from 'lit'
import { customElement, property, state } from 'lit/decorators.js'
import { icon } from '../app/icons'
import type { Session } from '../app/session'
import { shared } from '../app/theme/styles'
import { problem } from '../client/problem'
import { idOf, titleOf, when } from '../common/words'
import {
  Cause,
  type Evidence,
  EvidenceSchema,
  Feedback,
  type Insight,
  Insight_State as State,
  type PipelineFact,
  type Recommendation,
} from '../gen/tidemark/v1/insight_pb'
import { number, percent, quantity } from '../model/format'
import * as address from '../model/share'
import './band'
import { insights } from './clients'
import './contributions'
import { evidence } from './model/band'
import { CAUSES, FEEDBACKS, SEVERITIES, STATES, TYPES, chance, sure, toneOf } from './model/words'

/** Statistics as people call them; others are told by their names. */
const STATISTICS: Record<string, string> = {
  p_value: 'p-value',
  q_value: 'q-value',
  slope_per_day: 'slope per day',
  rho: 'rank correlation',
  lag_buckets: 'buckets behind',
  change_share: 'change',
}

/** One finding: what, how sure, and, when opened, on what it rests, where it comes from and what to do. Says what people say of it.
 *
 * Dispatches `tm-changed` with the finding after it was acknowledged or judged. */
@customElement('tm-insight')
export class InsightElement extends LitElement {
  @property({ attribute: false }) session!: Session
  @property({ attribute: false }) insight!: Insight
  @property({ type: Boolean }) open = false
  /** Its evidence with all values, which lists leave out. */
  @state() private evidence?: Evidence
  @state() private failure = ''
  @state() private busy = false

  static override styles = [
    shared,
    css`
      article {
        display: grid;
        gap: var(--space-2);
        padding: var(--space-3) var(--space-4);
      }
      article > * {
        min-width: 0;
      }
      h2 {
        font-size: var(--text-large);
        overflow-wrap: anywhere;
      }
      h2 a {
        color: inherit;
        text-decoration: none;
      }
      h2 a:hover {
        text-decoration: underline;
      }
      p {
        max-width: 100ch;
        overflow-wrap: anywhere;
      }
      .whole {
        display: grid;
        gap: var(--space-4);
        padding-top: var(--space-3);
        border-top: 1px solid var(--line);
      }
      .beside {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(340px, 100%), 1fr));
        gap: var(--space-4);
        align-items: start;
      }
      h3 {
        margin-bottom: 6px;
      }
      ul,
      ol {
        display: grid;
        gap: 8px;
        margin: 0;
        padding: 0 0 0 18px;
      }
      .statistics {
        display: flex;
        flex-wrap: wrap;
        gap: 2px var(--space-4);
        font-variant-numeric: tabular-nums;
      }
      .feedback button[aria-pressed='true'] {
        border-color: var(--accent);
        background: var(--accent-soft);
      }
    `,
  ]

  override willUpdate(changed: PropertyValues<this>) {
    const { evidence } = this.insight
    if (changed.has('insight') && evidence?.bucketStarts.length) this.evidence = evidence
    if (this.open && !this.evidence && (changed.has('open') || changed.has('insight'))) void this.learn()
  }

  override render() {
    const { insight, open, session } = this
    const { severity, type, cause, state } = insight
    const id = idOf(insight.name)
    const place = SEVERITIES.find(each => each.value === severity)
    return html`<article class="panel" aria-labelledby="title">
      <div class="row">
        <span class="chip ${toneOf(severity)}" title="Severity">${place?.title}</span>
        <span class="chip" title="Kind of finding">${titleOf(TYPES, type)}</span>
        ${
          cause === Cause.UNSPECIFIED
            ? nothing
            : html`<span class="chip ${CAUSES.find(each => each.value === cause)?.tone}" title="Cause">${titleOf(CAUSES, cause)}</span>`
        }
        ${state === State.OPEN ? nothing : html`<span class="chip" title="State">${titleOf(STATES, state)}</span>`}
        <span class="grow"></span>
        <span class="muted small">
          ${sure(insight.confidence)} · priority ${number(insight.priority, { decimals: 0 })} · since
          ${when(insight.startTime, session.zone)}${insight.occurrenceCount > 1 ? ` · found ${number(insight.occurrenceCount)} times` : ''}
        </span>
      </div>
      <h2 id="title"><a href="/insights/findings/${id}">${insight.title}</a></h2>
      <p>${insight.description}</p>
      ${this.worth()}
      ${this.failure ? html`<p class="problem" role="alert">${this.failure}</p>` : nothing}
      ${open ? this.opened(insight) : nothing}
      <div class="row">
        <button
          class="quiet"
          aria-expanded=${open ? 'true' : 'false'}
          aria-label="${open ? 'Less' : 'Evidence and what to do'}: ${insight.title}"
          @click=${() => (this.open = !this.open)}
        >
          ${icon(open ? 'up' : 'down')} ${open ? 'Less' : 'Evidence and what to do'}
        </button>
        <span class="grow"></span>
        ${this.judging()}
      </div>
    </article>`
  }

  private worth() {
    const { worth } = this.insight
    if (!worth || !Number.isFinite(worth.value)) return nothing
    const text = (value: number) => quantity(value, { unit: worth.unit })
    return html`<p>
      <strong>Worth ${text(worth.value)}</strong>
      <span class="muted">(95%: ${text(worth.lower)} to ${text(worth.upper)})</span>
    </p>`
  }

  private judging() {
    const { feedback, feedbackBy, state } = this.insight
    if (!this.session.author)
      return feedback === Feedback.UNSPECIFIED
        ? nothing
        : html`<span class="muted small">${titleOf(FEEDBACKS, feedback)}, says ${feedbackBy}</span>`
    return html`<div class="row feedback" role="group" aria-label="What this finding was worth">
      ${feedbackBy ? html`<span class="muted small">said by ${feedbackBy}</span>` : nothing}
      ${FEEDBACKS.map(
        ({ value, title, hint }) =>
          html`<button
            title=${hint}
            aria-pressed=${value === feedback ? 'true' : 'false'}
            ?disabled=${this.busy}
            @click=${() => this.change(({ name }) => insights.giveFeedback({ name, feedback: value }))}
          >
            ${title}
          </button>`,
      )}
      ${
        state === State.OPEN
          ? html`<button ?disabled=${this.busy} @click=${() => this.change(insights.acknowledgeInsight)}>
              ${icon('check')} Acknowledge
            </button>`
          : nothing
      }
    </div>`
  }

  private opened(insight: Insight) {
    const { facts, contributions, recommendations, incident } = insight
    return html`<div class="whole">
      ${this.grounds(insight.detector)}
      <div class="beside">
        ${recommendations.length ? html`<section><h3>What to do</h3><ol>${recommendations.map(recommended)}</ol></section>` : nothing}
        ${
          contributions.length
            ? html`<section>
                <h3>Where the change comes from</h3>
                <tm-contributions .contributions=${contributions}></tm-contributions>
              </section>`
            : nothing
        }
        ${
          facts.length
            ? html`<section><h3>What the pipeline knows of this time</h3><ul>${facts.map(each => this.fact(each))}</ul></section>`
            : nothing
        }
      </div>
      ${incident ? html`<p>It opened <a href="/insights/incidents/${idOf(incident)}">an incident</a>.</p>` : nothing}
    </div>`
  }

  private grounds(detector: string) {
    if (!this.evidence) return this.failure ? nothing : html`<p class="muted" role="status">Loading…</p>`
    const { query, bucketStarts, series, statistics, method, completeness } = this.evidence
    return html`<section>
      <h3>Evidence</h3>
      ${series.map(each => html`<tm-band .band=${evidence(bucketStarts, each)} .zone=${this.session.zone}></tm-band>`)}
      <p class="muted small">${method} · ${detector}${completeness > 0 ? ` · last bucket ${percent(completeness)} complete` : ''}${query ? html` · <a href="/explore${address.write({ query, display: 0 })}">ask for it in the explorer</a>` : nothing}</p>
      <div class="statistics muted small">${Object.entries(statistics).map(statistic)}</div>
    </section>`
  }

  private fact({ text, share, startTime, link }: PipelineFact) {
    return html`<li>
      ${link ? html`<a href=${inside(link)}>${text}</a>` : text}
      <span class="muted small">
        explains ${percent(share, 0)}${startTime ? html`, since ${when(startTime, this.session.zone)}` : nothing}
      </span>
    </li>`
  }

  private learn() {
    return this.call(
      insights.getInsight,
      insight => (this.evidence = insight?.evidence ?? create(EvidenceSchema)),
    )
  }

  private change(how: (request: { name: string }) => Promise<{ insight?: Insight }>) {
    return this.call(how, detail => this.dispatchEvent(new CustomEvent('tm-changed', { detail })))
  }

  private async call(
    how: (request: { name: string }) => Promise<{ insight?: Insight }>,
    take: (insight?: Insight) => void,
  ) {
    this.busy = true
    this.failure = ''
    try {
      take((await how({ name: this.insight.name })).insight)
    } catch (error) {
      this.failure = problem(error).text
    } finally {
      this.busy = false
    }
  }
}

function statistic([name, value]: [string, number]) {
  const words = STATISTICS[name] ?? name.replaceAll('_', ' ')
  const text = name.endsWith('_value')
    ? chance(value)
    : name.endsWith('_share')
      ? percent(value)
      : number(value)
  return html`<span>${words} ${text}</span>`
}

function recommended({ action, expectedEffect, confidence, source, link }: Recommendation) {
  return html`<li>
    ${link ? html`<a href=${inside(link)}>${action}</a>` : action}
    <div class="muted small">${expectedEffect} This is ${sure(confidence)}. From: ${source}</div>
  </li>`
}

/** A link of an answer leads to a place of this page and nowhere else. */
function inside(link: string): string {
  return /^\/(?!\/)/.test(link) ? link : '/'
}
