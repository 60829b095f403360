/** Why a plan cannot be carried out, and what to do about it: the two halves of a UserError. */
export interface Obstacle {
  /** "cannot use /etc/subuid: line 3 ('alice:1') is not NAME:START:COUNT" */
  readonly problem: string
  /** An imperative sentence without a full stop. */
  readonly hint: string
}
