// Ctrl-C. The program ends with 130 within 0.15 s wherever it is; work that has something to take away (a half-written
// checkpoint) calls throw_if_interrupted() now and then and gets the time to do so.
#pragma once

namespace moebius::internal::apps {

void handle_interrupts();

// Throws kInterrupted once Ctrl-C was pressed, and stops the clock. Only where exceptions may pass.
void throw_if_interrupted();

// While one lives, Ctrl-C ends nothing: it is noted, and a read from the terminal returns. For the chat, where it stops
// an answer and not the program.
class HeldInterrupts {
 public:
  HeldInterrupts();
  ~HeldInterrupts();
  HeldInterrupts(const HeldInterrupts&) = delete;
  HeldInterrupts& operator=(const HeldInterrupts&) = delete;

  // Whether Ctrl-C was pressed since the last call.
  static bool take();
};

}  // namespace moebius::internal::apps
