/** Where one of several jobs says what it has to say, as it goes. May return a promise to wait for. */
export type Say = (text: string) => void | Promise<void>

export interface InOrder<T> {
  /** How many jobs go on at a time. */
  readonly atOnce: number
  /** Stands between what two jobs said. */
  readonly separator: string
  readonly write: Say
  readonly job: (item: T, say: Say) => Promise<void>
}

/** What a job may have said before its turn came. With more it waits, so that memory stays bounded. */
const HELD_BACK_CHARACTERS = 1 << 20

interface Place {
  held: string
  hasSpoken: boolean
  isOver: boolean
  /** Called when its turn comes. */
  proceed: (() => void) | null
}

/**
 * Jobs go on side by side, and what they say is written in the order of the items: the first speaks at once, the
 * others are held back until those before them are over. None holds up another's work, only its words.
 * A job that says nothing leaves no separator behind.
 */
export async function inOrder<T>(
  items: readonly T[],
  { atOnce, separator, write, job }: InOrder<T>,
): Promise<void> {
  const places = items.map((): Place => ({ held: '', hasSpoken: false, isOver: false, proceed: null }))
  let turn = 0
  let anySpoke = false

  const speak = (place: Place, text: string) => {
    const between = place.hasSpoken || !anySpoke ? '' : separator
    place.hasSpoken = true
    anySpoke = true
    return write(between + text)
  }

  /** Ends the turn of those that are over. One call at a time: the others find that there is nothing left to do. */
  const passOn = async () => {
    for (let place = places[turn]; place?.isOver === true; place = places[turn]) {
      turn++
      const next = places[turn]
      if (next === undefined) return
      const held = next.held
      next.held = ''
      if (held !== '') await speak(next, held)
      next.proceed?.()
    }
  }

  const run = async (index: number) => {
    const [item, place] = [items[index], places[index]]
    if (item === undefined || place === undefined) return
    await job(item, (text) => {
      if (text === '') return
      if (index === turn && place.held === '') return speak(place, text)
      place.held += text
      if (place.held.length < HELD_BACK_CHARACTERS) return
      return new Promise((resolve) => {
        place.proceed = resolve
      })
    })
    place.isOver = true
    if (index === turn) await passOn()
  }

  let started = 0
  const worker = async () => {
    while (started < items.length) await run(started++)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}
