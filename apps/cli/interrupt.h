// Handles Ctrl-C. The program ends with exit code 130 within 0.15 s, whatever it is doing. Work that leaves something
// to remove (a half-written checkpoint) calls throw_if_interrupted() now and then, and gets the time to remove it.
#pragma once

namespace moebius::internal::apps {

void handle_interrupts();

// Throws kInterrupted once Ctrl-C was pressed, and stops the timer of 0.15 s. Call it only where exceptions may pass.
void throw_if_interrupted();

// While such an object lives, Ctrl-C does not end the program. Ctrl-C is noted, and a read from the terminal returns.
// The chat uses it, because there Ctrl-C stops an answer and not the program.
class HeldInterrupts {
 public:
  HeldInterrupts();
  ~HeldInterrupts();
  HeldInterrupts(const HeldInterrupts&) = delete;
  HeldInterrupts& operator=(const HeldInterrupts&) = delete;

  // Returns whether Ctrl-C was pressed since the last call.
  static bool take();
};

}  // namespace moebius::internal::apps
