// On request, terminals send a paste between ESC [200~ and ESC [201~. libedit does not know this. Therefore this file
// binds a function to the first sequence, which reads up to the second. A paste of several lines is kept aside, and the
// person sees and edits a short stand-in, because libedit cannot show more lines than the screen has. A terminal that
// takes no escape sequences is not asked; libedit edits there with spaces and backspaces.
#include "talk/line_editor.h"

#include <fmt/format.h>
#include <histedit.h>
#include <langinfo.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <clocale>
#include <cwchar>
#include <iostream>
#include <string_view>
#include <vector>

#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/text_input.h"
#include "moebius/error.h"

namespace moebius::internal::apps {
namespace {

constexpr int kHistoryLines = 1000;
constexpr int kPollMilliseconds = 50;
constexpr std::string_view kBlock = "\"\"\"";
constexpr std::string_view kMarkPastes = "\x1b[?2004h";
constexpr std::string_view kMarkNoPastes = "\x1b[?2004l";
constexpr std::wstring_view kPasteEnd = L"\x1b[201~";

// libedit splits bytes into characters by the locale. Any locale with UTF-8 will do.
void use_utf8() {
  // NOLINTBEGIN(concurrency-mt-unsafe): only the thread that reads lines asks for the locale
  std::setlocale(LC_CTYPE, "");
  if (std::string_view(nl_langinfo(CODESET)) != "UTF-8") std::setlocale(LC_CTYPE, "C.UTF-8");
  // NOLINTEND(concurrency-mt-unsafe)
}

std::string to_utf8(std::wstring_view text) {
  std::string out;
  for (const wchar_t wide : text) {
    const auto c = std::bit_cast<uint32_t>(wide);
    if (c < 0x80) {
      out += static_cast<char>(c);
    } else if (c < 0x800) {
      out += {static_cast<char>(0xc0 | c >> 6), static_cast<char>(0x80 | (c & 0x3f))};
    } else if (c < 0x10000) {
      out += {static_cast<char>(0xe0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 0x3f)),
              static_cast<char>(0x80 | (c & 0x3f))};
    } else {
      out += {static_cast<char>(0xf0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 0x3f)),
              static_cast<char>(0x80 | (c >> 6 & 0x3f)), static_cast<char>(0x80 | (c & 0x3f))};
    }
  }
  return out;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

TypedLine plain_line() {
  TypedLine line;
  while (true) {
    const int c = std::cin.get();
    if (c == '\n') return line;
    if (c == std::char_traits<char>::eof()) {
      if (line.text.empty()) line.kind = TypedLine::Kind::kEnd;
      return line;
    }
    if (line.text.size() == kMaxInputBytes) {
      throw Error(ErrorCode::kUsage, "standard input", "a line has more than 256 MB", "ask in shorter lines");
    }
    line.text += static_cast<char>(c);
  }
}

bool is_whole_block(std::string_view text) { return text.size() >= 2 * kBlock.size() && text.ends_with(kBlock); }

// Returns the text between two """, or behind one when the file ended before the second.
std::string inside_of(std::string_view block) {
  if (is_whole_block(block)) block.remove_suffix(kBlock.size());
  block.remove_prefix(kBlock.size());
  if (block.starts_with('\n')) block.remove_prefix(1);
  if (block.ends_with('\n')) block.remove_suffix(1);
  return std::string(block);
}

}  // namespace

struct LineEditor::Terminal {
  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  TypedLine read(const std::string& new_prompt);

  static Terminal& of(EditLine* editor);
  static unsigned char paste(EditLine* editor, int character);
  static int next_character(EditLine* editor, wchar_t* character);

  static void send(std::string_view escape);

  EditLine* editor;
  History* history;
  std::string prompt;
  struct Paste {
    std::string stand_in, text;
  };
  std::vector<Paste> pastes;  // every paste of the chat: a line may come back from the history
};

LineEditor::Terminal::Terminal() : history(history_init()) {
  use_utf8();
  editor = el_init("moebius", stdin, stdout, stderr);
  HistEvent event;
  ::history(history, &event, H_SETSIZE, kHistoryLines);
  ::history(history, &event, H_SETUNIQUE, 1);
  el_set(editor, EL_CLIENTDATA, this);
  el_set(editor, EL_PROMPT, +[](EditLine* e) { return of(e).prompt.data(); });
  el_set(editor, EL_GETCFN, &Terminal::next_character);
  el_set(editor, EL_EDITOR, "emacs");
  el_set(editor, EL_HIST, ::history, history);
  el_set(editor, EL_ADDFN, "moebius-paste", "insert what was pasted", &Terminal::paste);
  el_set(editor, EL_BIND, "\033[200~", "moebius-paste", nullptr);
  el_set(editor, EL_BIND, "^R", "em-inc-search-prev", nullptr);
}

LineEditor::Terminal::~Terminal() {
  el_end(editor);
  history_end(history);
}

LineEditor::Terminal& LineEditor::Terminal::of(EditLine* editor) {
  void* self = nullptr;
  el_get(editor, EL_CLIENTDATA, &self);
  return *static_cast<Terminal*>(self);
}

// Replaces libedit's own function, which sleeps in read(). With that one, a Ctrl-C just before read() would take effect
// only at the next key.
int LineEditor::Terminal::next_character(EditLine*, wchar_t* character) {
  std::mbstate_t state{};
  while (true) {
    if (HeldInterrupts::take()) {
      errno = EINTR;
      return -1;
    }
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (::poll(&input, 1, kPollMilliseconds) <= 0) continue;
    char byte = 0;
    const ssize_t count = ::read(STDIN_FILENO, &byte, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return static_cast<int>(count);
    const size_t length = std::mbrtowc(character, &byte, 1, &state);  // NOLINT(concurrency-mt-unsafe): has a state
    if (length <= 1) return 1;
    if (length == static_cast<size_t>(-1)) state = {};  // skips bytes that begin no character
  }
}

unsigned char LineEditor::Terminal::paste(EditLine* editor, int) {
  std::wstring pasted;
  wchar_t next = 0;
  while (!pasted.ends_with(kPasteEnd)) {
    if (el_wgetc(editor, &next) != 1) return CC_EOF;
    pasted += next == L'\r' ? L'\n' : next;
  }
  pasted.resize(pasted.size() - kPasteEnd.size());
  const auto newlines = std::ranges::count(pasted, L'\n');
  if (newlines > 0) {
    std::vector<Paste>& kept = of(editor).pastes;
    kept.push_back({fmt::format("[pasted {}: {} lines]", kept.size() + 1, newlines + 1), to_utf8(pasted)});
    pasted.assign(kept.back().stand_in.begin(), kept.back().stand_in.end());
  }
  el_winsertstr(editor, pasted.c_str());
  return CC_REFRESH;
}

void LineEditor::Terminal::send(std::string_view escape) {
  if (takes_escapes(Stream::kOutput)) write_output(escape);
}

TypedLine LineEditor::Terminal::read(const std::string& new_prompt) {
  prompt = new_prompt;
  errno = 0;
  el_set(editor, EL_PREP_TERM, 1);  // before the prompt shows, so that the editor gets the first key
  send(kMarkPastes);
  flush_output();
  int length = 0;
  const char* line = el_gets(editor, &length);
  const bool interrupted = line == nullptr && errno == EINTR;
  send(kMarkNoPastes);
  if (line == nullptr) {
    write_output("\n");
    return {interrupted ? TypedLine::Kind::kInterrupted : TypedLine::Kind::kEnd, ""};
  }
  std::string text(line, static_cast<size_t>(length));
  while (text.ends_with('\n')) text.pop_back();
  HistEvent event;
  if (!text.empty()) ::history(history, &event, H_ENTER, text.c_str());
  for (const Paste& paste : pastes) replace_all(text, paste.stand_in, paste.text);
  return {TypedLine::Kind::kText, text};
}

LineEditor::LineEditor() {
  if (isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0) terminal_ = std::make_unique<Terminal>();
}

LineEditor::~LineEditor() = default;

bool LineEditor::is_terminal() const { return terminal_ != nullptr; }

TypedLine LineEditor::read_one(const std::string& prompt) { return terminal_ ? terminal_->read(prompt) : plain_line(); }

TypedLine LineEditor::read(const std::string& prompt) {
  TypedLine line = read_one(prompt);
  const bool block = line.text.starts_with(kBlock);
  const auto goes_on = [&] {
    if (line.kind != TypedLine::Kind::kText) return false;
    return block ? !is_whole_block(line.text) : line.text.ends_with('\\');
  };
  while (goes_on()) {
    TypedLine next = read_one("... ");
    if (next.kind == TypedLine::Kind::kEnd && !terminal_) break;
    if (next.kind != TypedLine::Kind::kText) return next;
    if (!block) line.text.pop_back();
    line.text += "\n" + next.text;
  }
  if (block && line.kind == TypedLine::Kind::kText) line.text = inside_of(line.text);
  return line;
}

}  // namespace moebius::internal::apps
