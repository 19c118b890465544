// MOEBIUS_API marks what libmoebius.so shows to programs that link it. Everything without it stays inside.
#pragma once

#define MOEBIUS_API __attribute__((visibility("default")))
