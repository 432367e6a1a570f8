import { create } from '@bufbuild/protobuf'
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { type PropertyValues, css, html, nothing } from 'lit'
import { customElement, query, state } from 'lit/decorators.js'
import {
  Judgement_Outcome as Outcome,
  type Rules,
  RulesSchema,
  type Trial,
  type TryRulesResponse,
} from '../gen/tidemark/v1/rule_pb'
import { instant, number } from '../model/format'
import { BEGUN, added, read, write } from './model/rules'
import { rules } from './clients'
import { Page } from '../page/page'

const OUTCOMES: Record<Outcome, { tone: '' | 'good' | 'warn' | 'bad'; words: string }> = {
  [Outcome.UNSPECIFIED]: { tone: '', words: '' },
  [Outcome.STORED]: { tone: 'good', words: 'stored' },
  [Outcome.WARNED]: { tone: 'warn', words: 'stored, with a violation' },
  [Outcome.DEAD_LETTERED]: { tone: 'bad', words: 'dead letter' },
  [Outcome.REJECTED]: { tone: 'bad', words: 'refused' },
}

/** What is done to events before they are checked and stored: the list of rules, tried on stored events before it is saved. */
@customElement('tm-data-rules')
export class RulesPage extends Page {
  @state() private present?: Rules
  @state() private versions: Rules[] = []
  @state() private text = ''
  @state() private tried?: TryRulesResponse
  @state() private event = ''
  @state() private saved = ''
  @query('textarea') private area!: HTMLTextAreaElement

  static override styles = [
    ...Page.styles,
    css`
      textarea {
        min-height: 320px;
        resize: vertical;
      }
      select {
        justify-self: start;
      }
      input {
        width: min(220px, 100%);
      }
      .trial {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(320px, 100%), 1fr));
        gap: var(--space-3);
        padding: var(--space-3) var(--space-4);
        border-top: 1px solid var(--line);
      }
      .trial > p {
        grid-column: 1 / -1;
        margin: 0;
      }
      .trial pre {
        max-height: 260px;
      }
    `,
  ]

  override willUpdate(changed: PropertyValues) {
    if (changed.has('session')) void this.load()
  }

  override render() {
    return html`
      <header class="row">
        <h1>Rules</h1>
        ${this.present?.version ? html`<span class="chip">version ${this.present.version}</span>` : nothing}
        <p class="muted">
          What is done to events on their way, one after the other, before schemas are checked. A rule that fails never loses an event.
        </p>
      </header>
      ${this.trouble()} ${this.present ? this.editor() : html`<div class="panel">${this.empty(false, '')}</div>`}
      ${this.tried ? this.trials(this.tried) : nothing} ${this.versions.length > 1 ? this.history() : nothing}
    `
  }

  private editor() {
    const author = this.session.author
    const begin = (event: Event) => {
      const select = event.target as HTMLSelectElement
      const chosen = BEGUN[Number(select.value)]
      select.value = ''
      if (chosen)
        void this.act(async () => Promise.resolve((this.text = added(this.area.value, chosen.rule))))
    }
    return html`<section class="panel">
      <form @submit=${this.save}>
        ${
          author
            ? html`<select aria-label="Add a rule" @change=${begin}>
                <option value="">Add a rule…</option>
                ${BEGUN.map(({ title }, at) => html`<option value=${at}>${title}</option>`)}
              </select>`
            : nothing
        }
        <label class="field"
          >Rules, in order
          <textarea
            class="code"
            spellcheck="false"
            rows="18"
            ?readonly=${!author}
            .value=${this.text}
            @change=${(event: Event) => (this.text = (event.target as HTMLTextAreaElement).value)}
          ></textarea>
        </label>
        ${
          author
            ? html`<div class="row">
                <input
                  aria-label="Try on events of this name"
                  placeholder="any event"
                  .value=${this.event}
                  @change=${(event: Event) => (this.event = (event.target as HTMLInputElement).value.trim())}
                />
                <button type="button" ?disabled=${this.busy} @click=${this.attempt}>Try on stored events</button>
                <span class="grow"></span>
                ${this.saved ? html`<span class="good-text" role="status">${this.saved}</span>` : nothing}
                <button class="primary" ?disabled=${this.busy}>Save as a new version</button>
              </div>`
            : nothing
        }
      </form>
    </section>`
  }

  private trials({ trials, effects }: TryRulesResponse) {
    if (trials.length === 0) return html`<div class="panel">${this.empty(true, 'No stored event fits')}</div>`
    return html`<section class="panel" aria-label="What the rules would do">
      <table>
        <thead>
          <tr>
            <th scope="col">Rule</th>
            <th scope="col" class="number">Applied</th>
            <th scope="col" class="number">Changed</th>
            <th scope="col" class="number">Failed</th>
            <th scope="col">First failure</th>
          </tr>
        </thead>
        <tbody>
          ${effects.map(
            each =>
              html`<tr>
                <td>${each.ruleId}</td>
                <td class="number">${number(each.appliedCount)}</td>
                <td class="number">${number(each.changedCount)}</td>
                <td class="number">${number(each.failedCount)}</td>
                <td class="text">${each.firstFailure}</td>
              </tr>`,
          )}
        </tbody>
      </table>
      ${trials.slice(0, 10).map(trial)}
    </section>`
  }

  private history() {
    return html`<div class="panel">
      <table>
        <caption>Versions</caption>
        <thead>
          <tr>
            <th scope="col">Version</th>
            <th scope="col">Made</th>
            <th scope="col" class="number">Rules</th>
            <th scope="col"><span class="hidden-text">Actions</span></th>
          </tr>
        </thead>
        <tbody>
          ${this.versions.map(
            each =>
              html`<tr>
                <td>${each.version}</td>
                <td>${each.updateTime ? instant(timestampMs(each.updateTime), this.session.zone) : ''}</td>
                <td class="number">${each.rules.length}</td>
                <td><button class="quiet" @click=${() => (this.text = write(each))}>Show</button></td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`
  }

  private attempt = async () => {
    await this.act(async () => {
      const draft = create(RulesSchema, { rules: read(this.area.value) })
      this.tried = await rules.tryRules({ name: this.resource, rules: draft, eventName: this.event })
    })
  }

  private save = async (event: SubmitEvent) => {
    event.preventDefault()
    this.saved = ''
    await this.act(async () => {
      const changed = create(RulesSchema, {
        name: this.resource,
        rules: read(this.area.value),
        etag: this.present?.etag,
      })
      const { rules: made } = await rules.updateRules({ rules: changed })
      await this.load()
      this.saved = `Version ${made!.version} is saved.`
    })
  }

  private get resource(): string {
    return `${this.session.project}/rules`
  }

  private async load() {
    await this.act(async () => {
      const [{ rules: present }, { rules: versions }] = await Promise.all([
        rules.getRules({ name: this.resource }),
        rules.listRulesVersions({ name: this.resource }),
      ])
      this.present = present
      this.versions = versions
      this.text = write(present!)
    })
  }
}

function trial({ before, after, changedFields, judgement }: Trial) {
  const { tone, words } = OUTCOMES[judgement?.outcome ?? Outcome.UNSPECIFIED]
  return html`<div class="trial">
    <p>
      <strong>${before?.name}</strong> <span class="chip ${tone}">${words}</span>
      ${changedFields.map(each => html`<code class="small">${each}</code> `)}
      ${judgement?.message ? html`<span class="bad-text">${judgement.field} ${judgement.message}</span>` : nothing}
    </p>
    <pre tabindex="0" aria-label="Before">${shown(before)}</pre>
    <pre tabindex="0" aria-label="After">${after ? shown(after) : 'not stored'}</pre>
  </div>`
}

function shown(event: Trial['before']): string {
  if (!event) return ''
  const { name, userId, sessionId, propertiesJson, contextJson } = event
  const parsed = (bytes: Uint8Array): unknown =>
    bytes.length ? JSON.parse(new TextDecoder().decode(bytes)) : undefined
  const fields = {
    name,
    user_id: userId || undefined,
    session_id: sessionId || undefined,
    properties: parsed(propertiesJson),
    context: parsed(contextJson),
  }
  return JSON.stringify(fields, null, 2)
}
