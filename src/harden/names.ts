import { Records } from './records.ts'
import type { Texts } from './texts.ts'

/*
 * The names in a folder, in byte order: a treap (a search tree, balanced by weights drawn at random, so that no image can unbalance it).
 * What a folder's TOP, and each name's LEFT and RIGHT lead to; 0 is the end.
 */

const TOP = 0
const LEFT = 4
const RIGHT = 8
const WEIGHT = 12
const TEXT = 16
const PARENT = 20
/** Of the node that a name stands for. */
export const NODE_INODE = 24
export const NODE_LAYER = 28
const RECORD_BYTES = 32

/** All names of one tree. One is known by where its record begins; 0 is none. */
export class Names {
  readonly texts: Texts
  readonly #records = new Records(RECORD_BYTES)
  readonly view = this.#records.view
  #lastFolder = { at: 0, path: '' }

  constructor(texts: Texts) {
    this.texts = texts
  }

  /** @param folder 0 for the root, which is in none */
  add(folder: number, name: string): number {
    const { view } = this
    const added = this.#records.add()
    view.setUint32(added + TEXT, this.texts.add(name))
    view.setUint32(added + PARENT, folder)
    view.setUint32(added + WEIGHT, Math.random() * 2 ** 32)
    if (folder !== 0) this.#insert(folder, added, name)
    return added
  }

  text(at: number): string {
    return this.texts.get(this.view.getUint32(at + TEXT))
  }

  parent(at: number): number {
    return this.view.getUint32(at + PARENT)
  }

  /** "" for the root. The last one is remembered: who asks for a path asks for its neighbours' too. */
  folderPath(folder: number): string {
    if (this.#lastFolder.at !== folder) {
      const parts: string[] = []
      for (let at = folder; this.parent(at) !== 0; at = this.parent(at)) parts.push(`/${this.text(at)}`)
      this.#lastFolder = { at: folder, path: parts.reverse().join('') }
    }
    return this.#lastFolder.path
  }

  isEmpty(folder: number): boolean {
    return this.view.getUint32(folder + TOP) === 0
  }

  /** Forgets all names in it. */
  clear(folder: number): void {
    this.view.setUint32(folder + TOP, 0)
  }

  find(folder: number, name: string): number {
    const { view } = this
    let at = view.getUint32(folder + TOP)
    while (at !== 0) {
      const order = this.#compare(name, at)
      if (order === 0) return at
      at = view.getUint32(at + (order < 0 ? LEFT : RIGHT))
    }
    return 0
  }

  /** Puts a folder's first name on top of a stack, and below it what leads to the others. */
  enter(folder: number, pending: number[]): void {
    this.#descend(this.view.getUint32(folder + TOP), pending)
  }

  /** The same for the name that follows one which was on top. */
  goOn(at: number, pending: number[]): void {
    this.#descend(this.view.getUint32(at + RIGHT), pending)
  }

  remove(removed: number): void {
    const { view } = this
    const name = this.text(removed)
    let slot = this.parent(removed) + TOP
    for (let at = view.getUint32(slot); at !== removed; at = view.getUint32(slot)) {
      if (at === 0) return
      slot = at + (this.#compare(name, at) < 0 ? LEFT : RIGHT)
    }
    let [less, more] = [view.getUint32(removed + LEFT), view.getUint32(removed + RIGHT)]
    while (less !== 0 && more !== 0) {
      const isLess = this.#weight(less) > this.#weight(more)
      view.setUint32(slot, isLess ? less : more)
      slot = isLess ? less + RIGHT : more + LEFT
      if (isLess) less = view.getUint32(slot)
      else more = view.getUint32(slot)
    }
    view.setUint32(slot, less === 0 ? more : less)
  }

  #insert(folder: number, added: number, name: string): void {
    const { view } = this
    const weight = this.#weight(added)
    let slot = folder + TOP
    let at = view.getUint32(slot)
    while (at !== 0 && this.#weight(at) >= weight) {
      slot = at + (this.#compare(name, at) < 0 ? LEFT : RIGHT)
      at = view.getUint32(slot)
    }
    view.setUint32(slot, added)
    // What was there is parted: what comes before the new one goes to its left, the rest to its right.
    let [less, more] = [added + LEFT, added + RIGHT]
    while (at !== 0) {
      if (this.#compare(name, at) < 0) {
        view.setUint32(more, at)
        more = at + LEFT
        at = view.getUint32(more)
      } else {
        view.setUint32(less, at)
        less = at + RIGHT
        at = view.getUint32(less)
      }
    }
    view.setUint32(less, 0)
    view.setUint32(more, 0)
  }

  #descend(top: number, pending: number[]): void {
    for (let at = top; at !== 0; at = this.view.getUint32(at + LEFT)) pending.push(at)
  }

  #weight(at: number): number {
    return this.view.getUint32(at + WEIGHT)
  }

  #compare(name: string, at: number): number {
    return this.texts.compare(name, this.view.getUint32(at + TEXT))
  }
}
