/** Follows an operation for an element, whoever began it: how far it is comes in, until it has ended; the element draws it. */
import { createClient } from '@connectrpc/connect'
import type { ReactiveController } from 'lit'
import { transport } from '../client/transport'
import type { Operation } from '../gen/google/longrunning/operations_pb'
import { OperationService } from '../gen/tidemark/v1/operation_pb'
import type { Page } from '../page/page'
import { type Progress, progress } from './operation'

const operations = createClient(OperationService, transport)
/** So often it is asked how far an operation is, in milliseconds. */
const EVERY = 1_000

/** Asks an operation to stop; gives it as it is now. */
export async function stop(name: string): Promise<Operation | undefined> {
  return (await operations.cancelOperation({ name })).operation
}

export class Following implements ReactiveController {
  now?: Progress
  private timer?: ReturnType<typeof setTimeout>
  private readonly host: Page
  private readonly act: (what: () => Promise<unknown>) => Promise<boolean>
  private readonly ended: (last: Operation) => void

  /** `act` shows what goes wrong; `ended` hears of an operation that ended while it was followed. */
  constructor(
    host: Page,
    act: (what: () => Promise<unknown>) => Promise<boolean>,
    ended: (last: Operation) => void,
  ) {
    this.host = host
    this.act = act
    this.ended = ended
    host.addController(this)
  }

  hostDisconnected() {
    clearTimeout(this.timer)
  }

  /** Whether something is under way. */
  get working(): boolean {
    return this.now !== undefined && !this.now.done
  }

  /** Looks whether something is under way for a resource already. */
  async find(target: string) {
    const [parent = ''] = /^projects\/[^/]+/.exec(target) ?? []
    clearTimeout(this.timer)
    this.now = undefined
    await this.act(async () => {
      const { operations: all } = await operations.listOperations({ parent, target, pageSize: 10 })
      const under = all.find(each => !each.done)
      if (under) this.take(under)
    })
  }

  /** Follows this one from here on. */
  take(operation: Operation | undefined) {
    clearTimeout(this.timer)
    if (!operation || !this.host.isConnected) return
    const before = this.now
    this.now = progress(operation)
    if (!this.now.done) this.timer = setTimeout(() => void this.look(operation.name), EVERY)
    else if (!before?.done) this.ended(operation)
    this.host.requestUpdate()
  }

  /** Asks what is followed to stop. */
  cancel = async () => {
    const { name } = this.now ?? {}
    if (name) await this.act(async () => this.take(await stop(name)))
  }

  private async look(name: string) {
    const well = await this.act(async () => this.take((await operations.getOperation({ name })).operation))
    if (!well && this.host.isConnected) this.timer = setTimeout(() => void this.look(name), 5 * EVERY)
  }
}
