// Arithmetic as Python has it, on integers of 64 bits: a result that does not fit is an error, never a wrap.
#pragma once

#include "template/jinja/runtime.h"

namespace moebius::internal::jinja {

enum class Operator { kAdd, kSubtract, kMultiply, kDivide, kFloorDivide, kModulo, kPower };

Value binary(Runtime& runtime, Operator op, const Value& a, const Value& b);
Value negate(Runtime& runtime, const Value& value);
Value plus(Runtime& runtime, const Value& value);

// `format % values` (format.cpp): %s %r %d %i %u %f %F %e %E %g %G %x %X %o %c %%, flags, width, precision, %(name)s.
Value percent_format(Runtime& runtime, const Text& format, const Value& values);
// str.format(): {} {0} {name} {0.key} {name[key]} !r !s, without a format after a colon.
Value brace_format(Runtime& runtime, const Text& format, const Arguments& arguments);

}  // namespace moebius::internal::jinja
