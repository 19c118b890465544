// Tokens and names of the parser, and its limits.
#include "template/jinja/parser.h"

#include <fmt/format.h>

#include "base/quote.h"

namespace moebius::internal::jinja {
namespace {

constexpr int kMaxNodes = 200'000;  // a tree takes many times the bytes of its text

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::kBlockBegin:
      return "\"{%\"";
    case TokenKind::kBlockEnd:
      return "\"%}\"";
    case TokenKind::kPrintBegin:
      return "\"{{\"";
    case TokenKind::kPrintEnd:
      return "\"}}\"";
    case TokenKind::kEnd:
      return "the end of the template";
    default:
      return in_quotes(token.text);
  }
}

}  // namespace

Script parse(std::string_view source, const std::string& where) {
  if (source.size() > kMaxTemplateBytes) {
    throw Error(ErrorCode::kTemplateLimit, where,
                fmt::format("has {} bytes, the limit is {}", source.size(), kMaxTemplateBytes), "use another template");
  }
  for (size_t at = 0; at < source.size();) {
    const size_t length = utf8_length(source, at);
    if (length == 0) {
      throw Error(ErrorCode::kBadTemplate, where, fmt::format("is not UTF-8 at byte {}", at), "save it as UTF-8");
    }
    at += length;
  }
  return Parser(source, where).run();
}

Parser::Parser(std::string_view source, const std::string& where) : lexer_(source, where) {
  for (const std::string_view name : kOwnNames) intern(std::string(name));
  current_ = lexer_.next();
}

Script Parser::run() {
  Body body = body_until({});
  if (!unsupported_.empty()) lexer_.fail(unsupported_[0].first, unsupported_[0].second);
  return {std::move(names_), std::move(body)};
}

const Token& Parser::ahead() {
  if (!has_ahead_) ahead_ = lexer_.next();
  has_ahead_ = true;
  return ahead_;
}

Token Parser::take() {
  Token taken = std::exchange(current_, has_ahead_ ? std::move(ahead_) : lexer_.next());
  has_ahead_ = false;
  return taken;
}

bool Parser::at_symbol(std::string_view symbol) const {
  return current_.kind == TokenKind::kSymbol && current_.text == symbol;
}

bool Parser::at_name(std::string_view name) const { return current_.kind == TokenKind::kName && current_.text == name; }

bool Parser::skip_symbol(std::string_view symbol) {
  const bool is_there = at_symbol(symbol);
  if (is_there) take();
  return is_there;
}

bool Parser::skip_name(std::string_view name) {
  const bool is_there = at_name(name);
  if (is_there) take();
  return is_there;
}

void Parser::expect_symbol(std::string_view symbol) {
  if (!skip_symbol(symbol)) fail(fmt::format("expected {}, got {}", in_quotes(symbol), describe(current_)));
}

void Parser::expect_name(std::string_view name) {
  if (!skip_name(name)) fail(fmt::format("expected {}, got {}", in_quotes(name), describe(current_)));
}

std::string Parser::expect_any_name() {
  if (current_.kind != TokenKind::kName) fail(fmt::format("expected a name, got {}", describe(current_)));
  return take().text;
}

void Parser::expect(TokenKind kind) {
  if (current_.kind != kind) unexpected();
  take();
}

void Parser::unexpected() { fail(fmt::format("unexpected {}", describe(current_))); }

ExprPtr Parser::make(int line, Expr::Node node) {
  if (++nodes_ > kMaxNodes) {
    throw Error(ErrorCode::kTemplateLimit, "chat template", fmt::format("has more than {} expressions", kMaxNodes),
                "use another template");
  }
  return make_expr(line, std::move(node));
}

NameId Parser::intern(const std::string& name) {
  const auto [at, is_new] = ids_.emplace(name, static_cast<NameId>(names_.size()));
  if (is_new) names_.push_back(name);
  return at->second;
}

}  // namespace moebius::internal::jinja
