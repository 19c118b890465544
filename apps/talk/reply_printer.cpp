// See talk/reply_printer.h.
#include "talk/reply_printer.h"

#include <unistd.h>

#include "cli/output.h"

namespace moebius::internal::apps {
namespace {

using Kind = ReplyEvent::Kind;

bool on_terminal() {
  static const bool terminal = isatty(STDOUT_FILENO) != 0;
  return terminal;
}

}  // namespace

std::string harmless(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
    if (c < 0x20 && c != '\n' && c != '\t') {
      out += {'\xe2', '\x90', static_cast<char>(0x80 + c)};  // U+2400 to U+241F: pictures of control characters
    } else if (c == 0x7f) {
      out += "\xe2\x90\xa1";
    } else if (c == 0xc2 && next >= 0x80 && next < 0xa0) {  // U+0080 to U+009F: control characters too
      out += "\xef\xbf\xbd";
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

void print_text(std::string_view text) {
  write_output(on_terminal() ? harmless(text) : std::string(text));
  flush_output();
}

void ReplyPrinter::write(std::string_view text) {
  if (text.empty()) return;
  if (kind_ == Kind::kReasoning && !on_terminal()) {
    write_note(coloured(Stream::kNotes, Colour::kDim, text));
  } else if (kind_ == Kind::kContent || !on_terminal()) {
    print_text(text);
  } else {
    const Colour colour = kind_ == Kind::kReasoning ? Colour::kDim : Colour::kCyan;
    write_output(coloured(Stream::kOutput, colour, harmless(text)));
    flush_output();
  }
  anything_ = true;
  line_open_ = !text.ends_with('\n');
}

// On a terminal an empty line separates the parts of a reply. In a pipe each part begins on a new line, without an
// empty line before it.
void ReplyPrinter::change_to(Kind kind) {
  if (kind_ == kind) return;
  if (line_open_) write("\n");
  if (anything_ && on_terminal()) write("\n");
  kind_ = kind;
}

void ReplyPrinter::show(const ReplyEvent& event) {
  switch (event.kind) {
    case Kind::kReasoning:
    case Kind::kContent:
      change_to(event.kind);
      write(event.text);
      break;
    case Kind::kCallStarted:
      change_to(Kind::kCallArguments);
      write((on_terminal() ? "call " : "") + event.text + " ");
      break;
    case Kind::kCallArguments:
      write(event.text);
      break;
    case Kind::kCallFinished:
      write("\n");
      break;
  }
}

void ReplyPrinter::finish() {
  if (line_open_) write("\n");
}

}  // namespace moebius::internal::apps
