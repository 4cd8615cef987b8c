package loop_test

const helperEnv = "OUTRIDER_LOOP_HELPER"

func helper(string) int { return 2 }
