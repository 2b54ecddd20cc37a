# Finds what workbooks are read with: Sabot::libzip and Sabot::expat. Looked for by name: the package file that Debian's libzip
# brings asks for programs that stand in another package.
include_guard(GLOBAL)

function(_sabot_find_workbook_library name header package)
  string(TOUPPER ${name} variable)
  find_path(${variable}_INCLUDE_DIR ${header})
  find_library(${variable}_LIBRARY ${ARGN})
  mark_as_advanced(${variable}_INCLUDE_DIR ${variable}_LIBRARY)
  if(NOT ${variable}_INCLUDE_DIR OR NOT ${variable}_LIBRARY)
    message(FATAL_ERROR "${name}, which workbooks are read with, was not found. Run 'make setup', or install ${package}, "
                        "or set ${variable}_INCLUDE_DIR and ${variable}_LIBRARY.")
  endif()
  if(NOT TARGET Sabot::${name})
    add_library(Sabot::${name} UNKNOWN IMPORTED)
    set_target_properties(Sabot::${name} PROPERTIES IMPORTED_LOCATION "${${variable}_LIBRARY}"
                                                    INTERFACE_INCLUDE_DIRECTORIES "${${variable}_INCLUDE_DIR}")
  endif()
endfunction()

_sabot_find_workbook_library(libzip zip.h libzip-dev zip)
_sabot_find_workbook_library(expat expat.h libexpat1-dev expat)
