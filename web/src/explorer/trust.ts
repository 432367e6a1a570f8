import { timestampMs } from '@bufbuild/protobuf/wkt'
import { LitElement, css, html, nothing } from 'lit'
import { customElement, property } from 'lit/decorators.js'
import { shared } from '../app/theme/styles'
import { DataSource, type QueryMetadata } from '../gen/tidemark/v1/question_pb'
import { duration, instant, percent } from '../model/format'

const SOURCES: Record<DataSource, string> = {
  [DataSource.UNSPECIFIED]: '–',
  [DataSource.RAW]: 'rows as they came',
  [DataSource.ROLLUP]: 'rollups',
  [DataSource.SEGMENT]: 'columnar segments',
  [DataSource.CACHE]: 'an answer kept',
}

/** How far an answer can be trusted: how long it took, what it was read from, what may be missing. */
@customElement('tm-trust')
export class Trust extends LitElement {
  @property({ attribute: false }) metadata?: QueryMetadata
  @property() zone = 'UTC'

  static override styles = [
    shared,
    css`
      dl {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2) var(--space-6);
        padding: var(--space-3) var(--space-4);
      }
      dt {
        color: var(--muted);
        font-size: var(--text-small);
      }
      dd {
        font-weight: 560;
        font-variant-numeric: tabular-nums;
      }
      ul {
        display: grid;
        gap: 4px;
        margin: 0;
        padding: 0 var(--space-4) var(--space-3);
        list-style: none;
      }
    `,
  ]

  override render() {
    const { metadata } = this
    const { elapsed, watermark, completeness = NaN, errorBound = 0, source = 0, notes = [] } = metadata ?? {}
    return html`
      <dl>
        ${fact('Elapsed', elapsed && duration(Number(elapsed.seconds) + elapsed.nanos / 1e9))}
        ${fact('Read from', metadata && SOURCES[source])}
        ${fact('Completeness', metadata && percent(completeness))}
        ${fact('Complete up to', watermark && instant(timestampMs(watermark), this.zone))}
        ${errorBound ? fact('Off by at most', percent(errorBound)) : nothing}
      </dl>
      ${notes.length ? html`<ul>${notes.map(note => html`<li class="notice small">${note}</li>`)}</ul>` : nothing}
    `
  }
}

function fact(title: string, words: string | undefined) {
  return html`<div><dt>${title}</dt><dd>${words ?? '–'}</dd></div>`
}
