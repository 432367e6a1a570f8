import { LitElement, css, html, nothing } from 'lit'
import { customElement, property, query, state } from 'lit/decorators.js'
import { repeat } from 'lit/directives/repeat.js'
import { icon } from '../app/icons'
import type { Session } from '../app/session'
import { shared } from '../app/theme/styles'
import type { Report, ReportFault, Section } from '../gen/tidemark/v1/report_pb'
import '../tiles/menu'
import type { Item } from '../tiles/menu'
import '../tiles/popup'
import type { Popup } from '../tiles/popup'
import {
  CONTENTS,
  type Content,
  MOST_SECTIONS,
  added,
  doubled,
  figureIds,
  kindOf,
  moved,
  pathOf,
  put,
  titleOf,
  within,
  without,
} from './model/report'
import './section'

const ITEMS: Item[] = [
  { id: 'up', title: 'Move up', icon: 'up' },
  { id: 'down', title: 'Move down', icon: 'down' },
  { id: 'duplicate', title: 'Duplicate', icon: 'copy' },
  { id: 'remove', title: 'Delete', icon: 'remove', danger: true },
]

/** The sections of a report in their order: dragged or moved by keys, opened to be edited, added, duplicated, deleted. Dispatches
 * `change` with the report after every step, and `tm-section` with the id of the section that is open, or the empty text. */
@customElement('tm-report-outline')
export class Outline extends LitElement {
  @property({ attribute: false }) session!: Session
  @property({ attribute: false }) report!: Report
  @property({ attribute: false }) faults: ReportFault[] = []
  @property() zone = 'UTC'
  @state() private open = -1
  @state() private dragged = -1
  @state() private over = -1
  @state() private said = ''
  @query('tm-popup') private adding!: Popup

  static override styles = [
    shared,
    css`
      ol {
        display: grid;
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        border-bottom: 1px solid var(--line);
      }
      li.over {
        box-shadow: inset 0 2px 0 var(--accent);
      }
      li.over.after {
        box-shadow: inset 0 -2px 0 var(--accent);
      }
      li.dragged {
        opacity: 0.5;
      }
      .head {
        display: flex;
        gap: 4px;
        align-items: center;
        padding: 4px var(--space-2);
      }
      .grip {
        cursor: grab;
      }
      .title {
        flex: 1 1 0;
        min-width: 0;
        justify-content: flex-start;
        padding: 0 4px;
        color: var(--text);
      }
      .title svg {
        width: 12px;
        height: 12px;
      }
      .title[aria-expanded='true'] svg {
        transform: rotate(90deg);
      }
      .body {
        padding: var(--space-3) var(--space-4) var(--space-4);
        background: var(--bg);
      }
      .foot {
        padding: var(--space-2) var(--space-3);
      }
      [slot='trigger'] {
        display: inline-flex;
        align-items: center;
        gap: 6px;
      }
      .kinds {
        display: grid;
        width: min(320px, 80vw);
      }
      .kinds button {
        display: grid;
        justify-items: start;
        padding: 6px 10px;
        color: var(--text);
        text-align: left;
        white-space: normal;
      }
      @media (max-width: 480px) {
        .kind {
          display: none;
        }
      }
    `,
  ]

  override render() {
    const { sections } = this.report
    return html`
      <p class="hidden-text" role="status">${this.said}</p>
      <ol>
        ${repeat(
          sections,
          (_, at) => at,
          (section, at) => this.row(section, at),
        )}
      </ol>
      ${sections.length ? nothing : html`<div class="state"><strong>No sections yet</strong></div>`}
      <div class="foot row">
        <tm-popup look="" label="Add a section" ?disabled=${sections.length >= MOST_SECTIONS}>
          <span slot="trigger">${icon('add')} Section</span>
          <div class="kinds" role="group" aria-label="Kinds of sections">
            ${CONTENTS.map(
              ({ value, title, hint }) =>
                html`<button class="quiet" @click=${() => this.add(value)}>
                  ${title}<span class="muted small">${hint}</span>
                </button>`,
            )}
          </div>
        </tm-popup>
        <span class="muted small">${sections.length >= MOST_SECTIONS ? `${MOST_SECTIONS} sections are the most.` : ''}</span>
      </div>
    `
  }

  private row(section: Section, at: number) {
    const open = at === this.open
    const title = titleOf(section) || section.id
    const wrong = within(this.faults, pathOf(at)).length
    const last = this.report.sections.length - 1
    const where = at === this.over && this.dragged >= 0 ? `over ${this.dragged < at ? 'after' : ''}` : ''
    return html`<li
      class="${where} ${at === this.dragged ? 'dragged' : ''}"
      @dragover=${(event: DragEvent) => this.hover(event, at)}
      @drop=${(event: DragEvent) => this.drop(event, at)}
    >
      <div class="head">
        <button
          class="quiet icon-only grip"
          draggable="true"
          aria-label="Move ${title}: section ${at + 1} of ${last + 1}; arrow keys"
          title="Drag it, or move it by the arrow keys"
          @dragstart=${(event: DragEvent) => this.drag(event, at)}
          @dragend=${() => (this.dragged = this.over = -1)}
          @keydown=${(event: KeyboardEvent) => this.key(event, at)}
        >
          ${icon('move')}
        </button>
        <button class="quiet title" aria-expanded=${open ? 'true' : 'false'} @click=${() => this.show(open ? -1 : at)}>
          ${icon('right')} <span class="clip">${title}</span>
        </button>
        ${wrong ? html`<span class="chip bad">${wrong === 1 ? '1 fault' : `${wrong} faults`}</span>` : nothing}
        <span class="chip kind">${kindOf(section)}</span>
        <tm-menu
          label="More for ${title}"
          .items=${ITEMS.filter(({ id }) => (id !== 'up' || at > 0) && (id !== 'down' || at < last) && (id !== 'remove' || last > 0))}
          @tm-pick=${(event: CustomEvent<string>) => this.act(event.detail, at)}
        ></tm-menu>
      </div>
      ${
        open
          ? html`<div class="body">
              <tm-report-section
                .session=${this.session}
                .section=${section}
                .faults=${this.faults}
                .taken=${figureIds(this.report.sections.toSpliced(at, 1))}
                .path=${pathOf(at)}
                .zone=${this.zone}
                @change=${(event: CustomEvent<Section>) => this.tell(put(this.report, at, event.detail))}
              ></tm-report-section>
            </div>`
          : nothing
      }
    </li>`
  }

  private add(kind: Content) {
    this.adding.hide()
    this.tell(added(this.report, kind))
    this.show(this.report.sections.length)
  }

  private act(what: string, at: number) {
    if (what === 'up') this.move(at, at - 1)
    else if (what === 'down') this.move(at, at + 1)
    else if (what === 'duplicate') {
      this.tell(doubled(this.report, at))
      this.show(at + 1)
    } else if (what === 'remove') {
      this.said = 'The section was deleted. Ctrl+Z brings it back.'
      this.tell(without(this.report, at))
      this.show(-1)
    }
  }

  private key(event: KeyboardEvent, at: number) {
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: this.report.sections.length - 1 }[
      event.key
    ]
    if (to === undefined) return
    event.preventDefault()
    this.move(at, to)
  }

  private move(from: number, to: number) {
    const { sections } = this.report
    if (to < 0 || to >= sections.length || to === from) return
    const open = sections[this.open]
    const next = moved(this.report, from, to)
    this.said = `Section ${to + 1} of ${sections.length}.`
    this.tell(next)
    this.show(open ? next.sections.indexOf(open) : -1)
    void this.updateComplete.then(() => this.renderRoot.querySelectorAll<HTMLElement>('.grip')[to]?.focus())
  }

  private drag(event: DragEvent, at: number) {
    this.dragged = at
    event.dataTransfer?.setData('text/plain', this.report.sections[at]!.id)
  }

  private hover(event: DragEvent, at: number) {
    if (this.dragged < 0) return
    event.preventDefault()
    this.over = at
  }

  private drop(event: DragEvent, at: number) {
    event.preventDefault()
    const { dragged } = this
    this.dragged = this.over = -1
    if (dragged >= 0) this.move(dragged, at)
  }

  private show(at: number) {
    this.open = at
    void this.updateComplete.then(() =>
      this.dispatchEvent(new CustomEvent('tm-section', { detail: this.report.sections[at]?.id ?? '' })),
    )
  }

  private tell(report: Report) {
    this.dispatchEvent(new CustomEvent('change', { detail: report }))
  }
}
