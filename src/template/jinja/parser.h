// Turns tokens into a tree, by recursive descent in the order of precedence that jinja2 has. What chat templates have
// no use for (inheritance, imports, recursive loops) is refused here, by name and line. Unknown filters and tests are
// refused too.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "template/jinja/ast.h"
#include "template/jinja/lexer.h"

namespace moebius::internal::jinja {

// Throws kBadTemplate (syntax, unsupported) or kTemplateLimit (size, nesting).
Script parse(std::string_view source, const std::string& where);

class Parser {
 public:
  Parser(std::string_view source, const std::string& where);
  Script run();

 private:
  // ---- statements (parse_statement.cpp) ----
  using Ends = std::vector<std::string_view>;  // names of tags that end a body

  Body body_until(const Ends& ends);          // up to an end, whose name is then the current token
  Body block_body(const Ends& ends);          // body_until, from the end of the tag on
  Body whole_block(std::string_view end);     // block_body, and skips the end's name
  Body isolated_block(std::string_view end);  // whole_block that break and continue cannot leave
  void statement(Body& out);
  If if_statement();
  For for_statement();
  void set_statement(Body& out, int line);
  With with_statement();
  std::unique_ptr<const Macro> macro_statement();
  CallBlock call_statement();
  void print_statement(Body& out);
  LoopControl loop_control(LoopControl control);
  void parameters(Macro& macro);
  enum class Namespaces { kRefused, kAllowed };
  Target target(Namespaces namespaces);
  Target single_target(Namespaces namespaces);

  // ---- expressions (parse_expression.cpp) ----
  ExprPtr expression();
  ExprPtr disjunction();
  ExprPtr conjunction();
  ExprPtr negation();
  ExprPtr comparison();
  ExprPtr sum();
  ExprPtr concatenation();
  ExprPtr product();
  ExprPtr power();
  enum class Filters { kNone, kAllowed };
  ExprPtr unary(Filters filters);
  ExprPtr primary();
  ExprPtr name_or_constant();
  ExprPtr string_literal();
  enum class Conditions { kNone, kAllowed };
  ExprPtr tuple_or_expression(Conditions conditions);
  ExprPtr parenthesized();
  ExprPtr list_display();
  ExprPtr dict_display();
  ExprPtr postfix(ExprPtr value);
  ExprPtr subscript(ExprPtr object);
  ExprPtr slice_from(ExprPtr object, ExprPtr begin);
  ExprPtr filters_and_tests(ExprPtr value);
  ExprPtr filter(ExprPtr input);
  ExprPtr test(ExprPtr input);
  ExprPtr call(ExprPtr callee);
  CallArguments arguments();
  ExprPtr unsupported(int line, std::string_view kind, const std::string& name);
  void argument(CallArguments& out);
  std::optional<Comparison> comparison_operator();

  // ---- tokens ----
  const Token& current() const { return current_; }
  const Token& ahead();
  Token take();
  [[nodiscard]] bool at_symbol(std::string_view symbol) const;
  [[nodiscard]] bool at_name(std::string_view name) const;
  bool skip_symbol(std::string_view symbol);
  bool skip_name(std::string_view name);
  void expect_symbol(std::string_view symbol);
  void expect_name(std::string_view name);
  std::string expect_any_name();
  void expect(TokenKind kind);
  [[noreturn]] void unexpected();
  [[noreturn]] void fail(const std::string& what) { lexer_.fail(current_.line, what); }

  ExprPtr make(int line, Expr::Node node);
  NameId intern(const std::string& name);

  Lexer lexer_;
  Token current_;
  Token ahead_;
  bool has_ahead_ = false;
  DepthCounter depth_{kMaxDepth};
  int loops_ = 0;  // for statements around this point, inside the innermost macro
  int nodes_ = 0;
  // The unknown filters and tests that every rendering may reach. jinja2 lets them pass under a condition, and
  // templates use that for filters of other engines.
  std::vector<std::pair<int, std::string>> unsupported_;
  std::vector<Macro*> macros_;  // the macros around this point
  std::vector<std::string> names_;
  std::unordered_map<std::string, NameId> ids_;
};

}  // namespace moebius::internal::jinja
