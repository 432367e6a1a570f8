import { durationMs } from '@bufbuild/protobuf/wkt'
import { css, html, nothing } from 'lit'
import { customElement } from 'lit/decorators.js'
import { shared } from '../app/theme/styles'
import type { Frequency } from '../gen/tidemark/v1/question_pb'
import { duration, number, percent } from '../model/format'
import './chart'
import { DrawingElement } from './drawing'
import { styled } from './styled'

/** Sessions: how many and how long, over time and in all, and what they begin and end with. */
@customElement('tm-sessions')
export class Sessions extends DrawingElement {
  static override styles = [
    shared,
    css`
      :host {
        display: grid;
        grid-template-rows: auto minmax(120px, 1fr) auto;
        gap: var(--space-2);
        min-height: 0;
        overflow: auto;
        container-type: inline-size;
      }
      dl {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 22px;
      }
      dt {
        color: var(--muted);
        font-size: var(--text-small);
      }
      dd {
        font-size: 17px;
        font-weight: 620;
        font-variant-numeric: tabular-nums;
      }
      .ends {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: var(--space-3);
      }
      ol {
        margin: 3px 0 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        gap: 8px;
        padding: 2px 6px;
        border-radius: 3px;
        background: linear-gradient(to right, var(--accent-soft) var(--share), transparent var(--share));
        font-size: var(--text-small);
      }
      @container (max-width: 360px) {
        .ends {
          grid-template-columns: 1fr;
        }
      }
    `,
  ]

  override render() {
    const { result } = this.answer ?? {}
    if (result?.case !== 'sessions') return nothing
    const { total, entries, exits } = result.value
    const figures: [string, string][] = [
      ['Sessions', number(total?.sessions)],
      ['People', number(total?.people)],
      ['Mean length', total?.mean ? duration(durationMs(total.mean) / 1000) : '–'],
      ['Median', total?.median ? duration(durationMs(total.median) / 1000) : '–'],
      ['One event only', percent(total?.bounceShare)],
      ['Events each', number(total?.meanEvents)],
    ]
    return html`
      <dl>${figures.map(([title, text]) => html`<div><dt>${title}</dt><dd>${text}</dd></div>`)}</dl>
      <tm-chart .tile=${this.tile} .answer=${this.answer} .zone=${this.zone}></tm-chart>
      <div class="ends">${list('Begin with', entries)} ${list('End with', exits)}</div>
    `
  }
}

function list(title: string, frequencies: Frequency[]) {
  if (!frequencies.length) return nothing
  const most = Number(frequencies[0]!.count)
  return html`<section>
    <h3>${title}</h3>
    <ol>
      ${frequencies.map(
        ({ value, count }) =>
          html`<li ${styled({ '--share': `${(Number(count) / most) * 100}%` })}>
            <span class="clip" title=${value}>${value || '(none)'}</span><span class="number">${number(count)}</span>
          </li>`,
      )}
    </ol>
  </section>`
}
