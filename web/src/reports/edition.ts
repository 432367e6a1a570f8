import { create } from '@bufbuild/protobuf'
import { DurationSchema } from '@bufbuild/protobuf/wkt'
import { css, html, nothing } from 'lit'
import { customElement, property, query, state } from 'lit/decorators.js'
import { icon } from '../app/icons'
import { idOf, when } from '../common/words'
import type { CreateEditionLinkResponse, Edition, EditionFile } from '../gen/tidemark/v1/edition_pb'
import type { SectionProof, TableProof } from '../gen/tidemark/v1/report_pb'
import { NOTHING, bytes, number, percent } from '../model/format'
import { Page } from '../page/page'
import { editions } from './clients'
import { fetched } from './file'
import { forms } from './forms'
import { FORMATS, LIFETIMES, cuts, rows, told } from './model/edition'

/** One edition with its manifest: its files, what it was made from, and the totals that prove it. It can be made again from the same
 * data, and files of it can be opened by a link. Dispatches `tm-work` with the operation that makes it again. */
@customElement('tm-edition')
export class EditionPage extends Page {
  @property({ attribute: false }) edition!: Edition
  @state() private link?: CreateEditionLinkResponse
  @state() private linked?: EditionFile
  @state() private said = ''
  @query('#link') private linking!: HTMLDialogElement
  @query('#link select') private lifetime!: HTMLSelectElement

  static override styles = [
    ...Page.styles,
    forms,
    css`
      .head {
        padding: var(--space-3) var(--space-4);
      }
      dl {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(190px, 1fr));
        gap: var(--space-3);
        padding: 0 var(--space-4) var(--space-4);
      }
      dt {
        color: var(--muted);
        font-size: var(--text-small);
      }
      dd {
        overflow-wrap: anywhere;
      }
      .hash {
        font-family: var(--mono);
        font-size: var(--text-small);
      }
      .sums {
        display: grid;
        grid-template-columns: auto auto;
        gap: 0 var(--space-3);
        justify-content: start;
        margin: 0;
      }
      .files {
        display: grid;
        gap: var(--space-2);
        margin: 0;
        padding: 0 var(--space-4) var(--space-4);
        list-style: none;
      }
      .files button:first-child {
        min-width: 84px;
        justify-content: flex-start;
      }
      .files button + button {
        min-width: 64px;
      }
      .problem,
      .notice {
        margin: 0 var(--space-4) var(--space-3);
      }
      .same {
        background: var(--good-soft);
        color: var(--good);
      }
      .notice ul {
        margin: 4px 0 0;
        padding-left: 18px;
      }
      dialog form {
        width: min(460px, 80vw);
      }
      dialog pre {
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
    `,
  ]

  override render() {
    const { edition, session } = this
    const { manifest } = edition
    const id = idOf(edition.name)
    if (!manifest) return nothing
    const { zone } = session
    const facts: [string, unknown][] = [
      ['Tells of', told(manifest.timeRange, manifest.timeZone || zone)],
      ['Complete up to', when(manifest.watermark, zone)],
      ['Version of the data', html`<span class="hash">${manifest.dataVersion || NOTHING}</span>`],
      ['Version of the report', number(manifest.reportVersion)],
      [
        'Template',
        manifest.template ? `${idOf(manifest.template.name)}, version ${manifest.template.version}` : 'none',
      ],
      ['Time zone, locale', `${manifest.timeZone || zone}, ${manifest.locale || 'en'}`],
      ['Id', html`<span class="hash">${id}</span>`],
      ['Kept until', when(edition.expireTime, zone)],
      ['By Tidemark', manifest.tidemarkVersion || NOTHING],
    ]
    return html`
      <section class="panel" aria-label="The edition">
        <div class="row head">
          <h2 class="grow">Edition of ${when(edition.createTime, zone)}</h2>
          ${
            session.author
              ? html`<button class="quiet" ?disabled=${this.busy} @click=${this.revoke}>End its links</button>
                  <button ?disabled=${this.busy} title="From the data as they were then" @click=${this.again}>Make it again</button>`
              : nothing
          }
        </div>
        ${this.trouble()} ${this.said ? html`<p class="notice" role="status">${this.said}</p>` : nothing} ${this.differences()}
        <ul class="files" aria-label="Files">
          ${manifest.files.map(each => this.file(each))}
        </ul>
        <dl>
          ${facts.map(([title, value]) => html`<div><dt>${title}</dt><dd>${value}</dd></div>`)}
        </dl>
      </section>
      ${this.sheet('Proof', this.proof(manifest.sections))} ${this.dialog()}
    `
  }

  private differences() {
    const { rerunOf = '', differences = [] } = this.edition.manifest ?? {}
    if (!rerunOf) return nothing
    if (!differences.length)
      return html`<p class="notice same" role="status">It repeats the edition ${idOf(rerunOf)}, and every figure is the same.</p>`
    return html`<div class="notice" role="status">
      It repeats the edition ${idOf(rerunOf)}, and figures differ:
      <ul>
        ${differences.map(each => html`<li>${each}</li>`)}
      </ul>
    </div>`
  }

  private file(file: EditionFile) {
    const { title = 'File' } = FORMATS.find(({ value }) => value === file.format) ?? {}
    const cut = cuts([file], this.edition.manifest?.sections ?? [])
    return html`<li class="row">
      <button ?disabled=${this.busy} aria-label="Download ${title}" @click=${() => this.act(() => fetched(this.edition.name, file))}>
        ${icon('import')} ${title}
      </button>
      ${
        this.session.author
          ? html`<button class="quiet" aria-label="Link to the ${title}" @click=${() => this.ask(file)}>Link…</button>`
          : nothing
      }
      <span>${file.fileName}</span><span class="muted">${bytes(Number(file.sizeBytes))}</span>
      <span class="muted hash" title="SHA-256 ${file.sha256}">${brief(file.sha256)}</span>
      ${cut.map(
        ({ table, held, whole }) =>
          html`<span class="chip warn">${number(held)} ${whole === undefined ? '' : `of ${number(whole)}`} rows of ${table}</span>`,
      )}
    </li>`
  }

  private proof(sections: SectionProof[]) {
    if (!sections.length) return this.empty(true, 'It has no sections')
    return html`<table>
      <caption>
        Proof: all files agree with these totals, and these with the answers
      </caption>
      <thead>
        <tr>
          <th scope="col">Section</th>
          <th scope="col">Table</th>
          <th scope="col" class="number">Rows</th>
          <th scope="col">Totals of columns</th>
          <th scope="col">SHA-256 of the cells</th>
          <th scope="col">Data</th>
        </tr>
      </thead>
      <tbody>
        ${rows(sections).map(({ section, table }) => this.row(section, table))}
      </tbody>
    </table>`
  }

  private row(section: SectionProof, table: TableProof | undefined) {
    const { zone } = this.session
    return html`<tr>
      <td class="text">
        ${section.sectionId} ${table && table !== section.tables[0] ? nothing : section.notes.map(each => html`<div class="small muted">${each}</div>`)}
      </td>
      <td class="text">${table?.tableId ?? NOTHING}</td>
      <td class="number">${table ? number(table.rowCount) : NOTHING}</td>
      <td>${table?.columns.length ? this.sums(table) : NOTHING}</td>
      <td class="hash" title=${table?.sha256 ?? ''}>${table ? brief(table.sha256) : NOTHING}</td>
      <td>
        ${
          section.dataVersion
            ? html`<span class="hash" title=${section.dataVersion}>${brief(section.dataVersion)}</span>
                <div class="small muted">up to ${when(section.watermark, zone)}, ${percent(section.completeness)}</div>`
            : NOTHING
        }
      </td>
    </tr>`
  }

  private sums({ columns, tableId }: TableProof) {
    const list = html`<div class="sums small" aria-label="Totals of ${tableId}" role="group">
      ${columns.map(
        ({ title, valueCount, sum }) =>
          html`<span class="muted">${title}</span
            ><span class="number" title="${number(valueCount)} cells hold something"
              >${sum ? exact(sum) : `${number(valueCount)} cells`}</span
            >`,
      )}
    </div>`
    return columns.length < 5
      ? list
      : html`<details>
          <summary>${columns.length} columns</summary>
          ${list}
        </details>`
  }

  private dialog() {
    const { link } = this
    const address = link ? link.url || location.origin + link.path : ''
    return html`<dialog id="link" aria-labelledby="link-title" @close=${() => (this.link = undefined)}>
      <form method="dialog" @submit=${this.make}>
        <h2 id="link-title">Link to ${this.linked?.fileName}</h2>
        ${
          link
            ? html`<p>Whoever has it can open this file without a key until ${when(link.expireTime, this.session.zone)}.</p>
                <pre tabindex="0" aria-label="Address">${address}</pre>`
            : html`<label class="field"
                >It holds for
                <select>
                  ${LIFETIMES.map(each => html`<option value=${each.value} ?selected=${each.value === 7 * 86_400}>${each.title}</option>`)}
                </select>
              </label>`
        }
        ${this.trouble()}
        <div class="row ends">
          ${
            link
              ? html`<button type="button" @click=${() => navigator.clipboard.writeText(address)}>${icon('copy')} Copy</button>
                  <button type="button" class="primary" @click=${() => this.linking.close()}>Done</button>`
              : html`<button type="button" @click=${() => this.linking.close()}>Cancel</button>
                  <button class="primary" ?disabled=${this.busy}>Make the link</button>`
          }
        </div>
      </form>
    </dialog>`
  }

  private ask(file: EditionFile) {
    this.linked = file
    this.linking.showModal()
  }

  private make = async (event: SubmitEvent) => {
    event.preventDefault()
    const { linked } = this
    const lifetime = create(DurationSchema, { seconds: BigInt(this.lifetime.value) })
    if (linked)
      await this.act(async () => {
        this.link = await editions.createEditionLink({
          name: this.edition.name,
          format: linked.format,
          lifetime,
        })
      })
  }

  private revoke = () =>
    this.act(async () => {
      const { revokedCount } = await editions.revokeEditionLinks({ name: this.edition.name })
      this.said = revokedCount === 1 ? 'One link was ended.' : `${number(revokedCount)} links were ended.`
    })

  private again = () =>
    this.act(async () => {
      const { operation } = await editions.rerunEdition({
        name: this.edition.name,
        requestId: crypto.randomUUID(),
      })
      this.dispatchEvent(new CustomEvent('tm-work', { detail: operation }))
    })
}

/** The beginning of a hash; all of it is told where it is pointed at. */
function brief(hash: string): string {
  return hash.length > 12 ? `${hash.slice(0, 12)}…` : hash
}

/** A control total with all its digits. */
function exact(sum: number): string {
  return new Intl.NumberFormat(undefined, { maximumSignificantDigits: 17 }).format(sum)
}
