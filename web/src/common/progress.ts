/** How far an operation is, drawn; who may can stop it. */
import { type TemplateResult, html, nothing } from 'lit'
import { percent } from '../model/format'
import type { Following } from './following'

export function bar(label: string, work: Following, mayStop: boolean): TemplateResult {
  const { share = 0, stopping = false, step = '' } = work.now ?? {}
  return html`<div class="row">
    <progress aria-label=${label} max="1" value=${share}></progress>
    <span role="status">${percent(share, 0)} · ${stopping ? 'stopping' : step}</span>
    ${mayStop ? html`<button ?disabled=${stopping} @click=${work.cancel}>Cancel</button>` : nothing}
  </div>`
}
