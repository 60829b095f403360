import { type Check, eachImage } from '../check.ts'

export const check: Check = {
  id: 'image-health-check',
  cis: '4.6',
  area: 'images',
  severity: 'info',
  title: 'The image says how to tell whether it is well',
  flaw: 'An image does not say how to tell whether it is well',
  why: 'A health check in the image goes wherever the image goes.',
  judge: (facts) =>
    eachImage(facts, ({ healthCheck }) =>
      healthCheck === null || healthCheck.length === 0 || healthCheck[0] === 'NONE'
        ? { evidence: 'no HEALTHCHECK', remedy: 'add HEALTHCHECK to its Dockerfile' }
        : null,
    ),
}
