"""The way back: after the switch a stream from the new tables keeps the archived old ones current, by the inverses."""
