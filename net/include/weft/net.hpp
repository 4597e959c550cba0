// Everything of net but the formatters for fmt (net/format.hpp).
#pragma once

#include "weft/net/address.hpp"
#include "weft/net/endpoint.hpp"
