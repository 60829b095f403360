import { type Check, eachImage } from '../check.ts'

export const check: Check = {
  id: 'image-age',
  cis: '4.4',
  area: 'images',
  severity: 'low',
  title: 'The image was built not long ago',
  flaw: 'An image was built long ago',
  why: 'What was found and mended since is not in it.',
  judge: (facts) =>
    eachImage(facts, ({ createdAt }) => {
      const days = Math.floor((facts.at.getTime() - Date.parse(createdAt)) / 86_400_000)
      // Reproducible builds set the clock to zero: their age cannot be told.
      const known = Number.isFinite(days) && Date.parse(createdAt) > Date.parse('2000-01-01')
      return known && days > 180
        ? { evidence: `built ${days} days ago`, remedy: 'build it again from an updated base' }
        : null
    }),
}
